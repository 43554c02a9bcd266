"""SQS: queues and the policies set on them."""

from __future__ import annotations

from typing import ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import Cloud, Created, Resource, ResourceNotFound, TaggedResource, given, handles


@handles("aws:sqs/queue:Queue")
class Queue(TaggedResource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)
    fixed: ClassVar = ("fifo_queue",)
    tag_api: ClassVar = tag_apis.SQS

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
            # The API refuses this attribute for a standard queue, even with the value false.
            ContentBasedDeduplication=self.content_based_deduplication or None,
        )
        # CreateQueue fails if the queue exists with other attributes; without attributes, it returns the queue's URL.
        kind = {"FifoQueue": "true"} if self.fifo_queue else {}
        url = sqs.create_queue(QueueName=self.name, Attributes=kind, tags=self.tags)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={key: _text(value) for key, value in attributes.items()})
        arn = f"arn:aws:sqs:{cloud.region}:{cloud.account_id}:{self.name}"
        return Created(url, {"arn": arn, "url": url})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("sqs").get_queue_attributes(QueueUrl=resource_id, AttributeNames=["All"])["Attributes"]
        return self.with_actual_values(
            content_based_deduplication=found.get("ContentBasedDeduplication"),
            delay_seconds=found.get("DelaySeconds"),
            kms_data_key_reuse_period_seconds=found.get("KmsDataKeyReusePeriodSeconds"),
            kms_master_key_id=found.get("KmsMasterKeyId"),
            max_message_size=found.get("MaximumMessageSize"),
            message_retention_seconds=found.get("MessageRetentionPeriod"),
            policy=found.get("Policy"),
            receive_wait_time_seconds=found.get("ReceiveMessageWaitTimeSeconds"),
            redrive_allow_policy=found.get("RedriveAllowPolicy"),
            redrive_policy=found.get("RedrivePolicy"),
            sqs_managed_sse_enabled=found.get("SqsManagedSseEnabled"),
            visibility_timeout_seconds=found.get("VisibilityTimeout"),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("sqs").delete_queue(QueueUrl=resource_id)


def _text(value: object) -> str:
    """Format an attribute value for SQS: a string, booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _set_attribute(cloud: Cloud, queue_url: str, name: str) -> str:
    """Return an attribute that is a separate resource; if it is not set, that resource does not exist."""
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name]).get("Attributes")
    if not attributes or not attributes.get(name):
        raise ResourceNotFound(f"{queue_url} has no {name}")
    return attributes[name]


@handles("aws:sqs/queuePolicy:QueuePolicy")
class QueuePolicy(Resource):
    identity: ClassVar = ("queue_url",)

    queue_url: str
    policy: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("sqs").set_queue_attributes(QueueUrl=self.queue_url, Attributes={"Policy": self.policy})
        return Created(self.queue_url, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        return self.with_actual_values(policy=_set_attribute(cloud, resource_id, "Policy"))

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("sqs").set_queue_attributes(QueueUrl=resource_id, Attributes={"Policy": ""})


@handles("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy")
class RedriveAllowPolicy(Resource):
    identity: ClassVar = ("queue_url",)

    queue_url: str
    redrive_allow_policy: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("sqs").set_queue_attributes(
            QueueUrl=self.queue_url, Attributes={"RedriveAllowPolicy": self.redrive_allow_policy}
        )
        return Created(self.queue_url, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        return self.with_actual_values(redrive_allow_policy=_set_attribute(cloud, resource_id, "RedriveAllowPolicy"))

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("sqs").set_queue_attributes(QueueUrl=resource_id, Attributes={"RedriveAllowPolicy": ""})
