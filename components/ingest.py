"""Uploads: the bucket that takes them, the rule that notices them, and the queue they wait in."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.bucket import Bucket, BucketArgs
from components.deployment import Deployment
from components.queue import DeadLetterQueue, DeadLetterQueueArgs, Queue, QueueArgs, Sender
from components.settings import Lifecycle

UPLOAD_PREFIX = "uploads/"


@dataclass(frozen=True, kw_only=True)
class IngestArgs:
    deployment: Deployment
    bucket_name: str
    lifecycle: Lifecycle
    key_arn: pulumi.Input[str] | None
    visibility_timeout_seconds: int
    max_receive_count: int


class Ingest(pulumi.ComponentResource):
    """From an object created under uploads/ to a message in the transform queue."""

    bucket: Bucket
    queue: Queue
    delivery_dlq: DeadLetterQueue
    rule_name: str

    def __init__(self, name: str, args: IngestArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Ingest", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        deployment = args.deployment
        self.rule_name = deployment.name("object-created")

        self.bucket = Bucket(
            f"{name}-bucket",
            BucketArgs(
                deployment=deployment,
                bucket_name=args.bucket_name,
                key_arn=args.key_arn,
                expiration_days=args.lifecycle.upload_days,
                old_version_days=args.lifecycle.old_version_days,
                incomplete_upload_days=args.lifecycle.incomplete_upload_days,
            ),
            child,
        )
        rule = aws.cloudwatch.EventRule(
            f"{name}-object-created",
            name=self.rule_name,
            description=f"An object was created under {UPLOAD_PREFIX} of {args.bucket_name}",
            event_pattern=pulumi.Output.json_dumps(
                {
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {
                        "bucket": {"name": [self.bucket.name]},
                        "object": {"key": [{"prefix": UPLOAD_PREFIX}]},
                    },
                }
            ),
            state="ENABLED",
            tags=deployment.tags,
            opts=child,
        )
        event_bridge = Sender(service="events.amazonaws.com", source_arn=rule.arn)
        self.queue = Queue(
            f"{name}-transform",
            QueueArgs(
                deployment=deployment,
                queue_name=deployment.name("transform-queue"),
                dead_letter_queue_name=deployment.name("transform-dlq"),
                key_arn=args.key_arn,
                senders=[event_bridge],
                visibility_timeout_seconds=args.visibility_timeout_seconds,
                max_receive_count=args.max_receive_count,
            ),
            child,
        )
        self.delivery_dlq = DeadLetterQueue(
            f"{name}-delivery-dlq",
            DeadLetterQueueArgs(
                deployment=deployment,
                queue_name=deployment.name("delivery-dlq"),
                key_arn=args.key_arn,
                senders=[event_bridge],
            ),
            child,
        )
        target = aws.cloudwatch.EventTarget(
            f"{name}-transform-queue",
            rule=rule.name,
            target_id="transform-queue",
            arn=self.queue.arn,
            # EventBridge's own limits, written down: a day, with back-off and jitter ("Retrying events").
            retry_policy={"maximum_event_age_in_seconds": 24 * 3600, "maximum_retry_attempts": 185},
            dead_letter_config={"arn": self.delivery_dlq.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.queue, self.delivery_dlq]),
        )
        # Last, so that no upload is announced before there is a way for it.
        aws.s3.BucketNotification(
            f"{name}-events",
            bucket=self.bucket.name,
            eventbridge=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[target]),
        )
        self.register_outputs({"bucket": self.bucket.name, "queue": self.queue.url})
