"""SQS: queues and the policies set on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from localcloud.resources.base import Cloud, Created, Resource, given, handles


@handles("aws:sqs/queue:Queue")
class Queue(Resource):
    generated_name: ClassVar = "name"

    name: str
    delay_seconds: int = 0
    fifo_queue: bool = False
    content_based_deduplication: bool = False
    kms_master_key_id: str | None = None
    kms_data_key_reuse_period_seconds: int | None = None
    max_message_size: int | None = None
    message_retention_seconds: int = 345_600
    policy: str | None = None
    receive_wait_time_seconds: int = 0
    redrive_allow_policy: str | None = None
    redrive_policy: str | None = None
    sqs_managed_sse_enabled: bool | None = None
    visibility_timeout_seconds: int = 30
    tags: Mapping[str, str] = {}

    def create(self, cloud: Cloud) -> Created:
        sqs = cloud.client("sqs")
        attributes = given(
            DelaySeconds=self.delay_seconds,
            KmsMasterKeyId=self.kms_master_key_id,
            KmsDataKeyReusePeriodSeconds=self.kms_data_key_reuse_period_seconds,
            MaximumMessageSize=self.max_message_size,
            MessageRetentionPeriod=self.message_retention_seconds,
            Policy=self.policy,
            ReceiveMessageWaitTimeSeconds=self.receive_wait_time_seconds,
            RedriveAllowPolicy=self.redrive_allow_policy,
            RedrivePolicy=self.redrive_policy,
            SqsManagedSseEnabled=self.sqs_managed_sse_enabled,
            VisibilityTimeout=self.visibility_timeout_seconds,
            # The API refuses this on a standard queue, even when it says "no".
            ContentBasedDeduplication=self.content_based_deduplication or None,
        )
        # CreateQueue refuses a queue that exists with other attributes; without any, it returns the queue's URL.
        kind = {"FifoQueue": "true"} if self.fifo_queue else {}
        url = sqs.create_queue(QueueName=self.name, Attributes=kind, tags=self.tags)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={key: _text(value) for key, value in attributes.items()})
        arn = f"arn:aws:sqs:{cloud.region}:{cloud.account_id}:{self.name}"
        return Created(url, {"arn": arn, "url": url})


def _text(value: object) -> str:
    """Spell an attribute as SQS does: everything is a string, booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@handles("aws:sqs/queuePolicy:QueuePolicy")
class QueuePolicy(Resource):
    queue_url: str
    policy: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("sqs").set_queue_attributes(QueueUrl=self.queue_url, Attributes={"Policy": self.policy})
        return Created(self.queue_url, {})


@handles("aws:sqs/redrivePolicy:RedrivePolicy")
class RedrivePolicy(Resource):
    queue_url: str
    redrive_policy: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("sqs").set_queue_attributes(
            QueueUrl=self.queue_url, Attributes={"RedrivePolicy": self.redrive_policy}
        )
        return Created(self.queue_url, {})


@handles("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy")
class RedriveAllowPolicy(Resource):
    queue_url: str
    redrive_allow_policy: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("sqs").set_queue_attributes(
            QueueUrl=self.queue_url, Attributes={"RedriveAllowPolicy": self.redrive_allow_policy}
        )
        return Created(self.queue_url, {})
