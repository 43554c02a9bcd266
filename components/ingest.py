"""Uploads: the ingest bucket, the EventBridge rule that matches them, and the transform queue."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.blocks.bucket import Bucket, BucketArgs
from components.blocks.malware import MalwareScan, MalwareScanArgs, deny_unscanned_reads, scan_results
from components.blocks.monitoring import Alarm, Metric, Monitoring
from components.blocks.queue import (
    DeadLetterQueue,
    DeadLetterQueueArgs,
    Queue,
    QueueArgs,
    Sender,
    queue_metric,
    queue_url_command,
)
from components.settings import Alarms, Settings
from components.stack_context import StackContext
from contract import events
from contract.keys import UPLOADS
from contract.names import DELIVERY, TRANSFORM, TRANSFORM_QUEUE, dead_letter_queue

TRANSFORM_DLQ, DELIVERY_DLQ = dead_letter_queue(TRANSFORM), dead_letter_queue(DELIVERY)


@dataclass(frozen=True, kw_only=True)
class IngestArgs:
    context: StackContext
    settings: Settings


class Ingest(pulumi.ComponentResource):
    """From an object created under uploads/ to a message in the transform queue, after a malware scan if enabled."""

    bucket: Bucket
    malware_scan: MalwareScan | None
    queue: Queue
    delivery_dlq: DeadLetterQueue
    rule_name: str

    def __init__(self, name: str, args: IngestArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Ingest", name, None, opts)
        self._prefix, self._args = name, args
        bucket_name = args.settings.ingest_bucket_name or args.context.bucket_name("ingest")
        self.rule_name = args.context.name("object-created")
        self.bucket = self._bucket(bucket_name)
        rule = self._rule(bucket_name)
        event_bridge = Sender(service="events.amazonaws.com", source_arn=rule.arn)
        self.queue = self._queue(event_bridge)
        self.delivery_dlq = DeadLetterQueue(
            f"{name}-delivery-dlq",
            DeadLetterQueueArgs(
                context=args.context,
                queue_name=args.context.name(DELIVERY_DLQ),
                senders=[event_bridge],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        notification = self._notify_queue(rule)
        self.malware_scan = None
        if args.settings.malware_scan:
            self.malware_scan = MalwareScan(
                f"{name}-malware-scan",
                MalwareScanArgs(context=args.context, bucket=self.bucket, prefix=UPLOADS, notification=notification),
                pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"bucket": self.bucket.name, "queue": self.queue.url})

    def _bucket(self, bucket_name: str) -> Bucket:
        args, context = self._args, self._args.context
        uploads = f"arn:{context.partition}:s3:::{bucket_name}/{UPLOADS}*"
        return Bucket(
            f"{self._prefix}-bucket",
            BucketArgs(
                context=context,
                bucket_name=bucket_name,
                expiration_days=args.settings.lifecycle.upload_days,
                old_version_days=args.settings.lifecycle.old_version_days,
                incomplete_upload_days=args.settings.lifecycle.incomplete_upload_days,
                statements=deny_unscanned_reads(context, uploads) if args.settings.malware_scan else (),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _rule(self, bucket_name: str) -> aws.cloudwatch.EventRule:
        args = self._args
        event = "scanned" if args.settings.malware_scan else "created"
        pattern = (
            scan_results(self.bucket.name, UPLOADS)
            if args.settings.malware_scan
            else _objects_created(self.bucket.name)
        )
        return aws.cloudwatch.EventRule(
            f"{self._prefix}-object-created",
            name=self.rule_name,
            description=f"An object was {event} under {UPLOADS} of {bucket_name}",
            event_pattern=pulumi.Output.json_dumps(pattern),
            state="ENABLED",
            tags=args.context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _queue(self, event_bridge: Sender) -> Queue:
        args = self._args
        return Queue(
            f"{self._prefix}-transform",
            QueueArgs(
                context=args.context,
                queue_name=args.context.name(TRANSFORM_QUEUE),
                dead_letter_queue_name=args.context.name(TRANSFORM_DLQ),
                senders=[event_bridge],
                visibility_timeout_seconds=args.settings.visibility_timeout_seconds,
                max_receive_count=args.settings.max_receive_count,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _notify_queue(self, rule: aws.cloudwatch.EventRule) -> aws.s3.BucketNotification:
        """Make the queue the rule's target, then turn on the bucket's notifications to EventBridge."""
        target = aws.cloudwatch.EventTarget(
            f"{self._prefix}-{TRANSFORM_QUEUE}",
            rule=rule.name,
            target_id=TRANSFORM_QUEUE,
            arn=self.queue.arn,
            # The defaults of EventBridge, explicitly: 24 hours, with back-off and jitter ("Retrying events").
            retry_policy={"maximum_event_age_in_seconds": 24 * 3600, "maximum_retry_attempts": 185},
            dead_letter_config={"arn": self.delivery_dlq.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.queue, self.delivery_dlq]),
        )
        # Last, so that no event is sent before the rule has its target.
        return aws.s3.BucketNotification(
            f"{self._prefix}-events",
            bucket=self.bucket.name,
            eventbridge=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[target]),
        )

    def monitoring(self) -> Monitoring:
        """Alarms on undelivered events, on old messages, and on messages in the dead-letter queues."""
        thresholds = self._args.settings.alarms
        waiting = {
            "visible": "ApproximateNumberOfMessagesVisible",
            "in flight": "ApproximateNumberOfMessagesNotVisible",
        }
        return Monitoring(
            alarms=[*self._dead_letters(thresholds), self._delivery_failures(), self._waiting(thresholds)],
            rows=[
                {
                    "Upload events": {"events": self._rule_metric("Invocations")},
                    "Waiting": {label: queue_metric(self.queue.queue_name, name) for label, name in waiting.items()},
                    "Failed and undelivered": {
                        TRANSFORM_DLQ: self.queue.dead_letter.depth,
                        DELIVERY_DLQ: self.delivery_dlq.depth,
                    },
                }
            ],
        )

    def _rule_metric(self, name: str) -> Metric:
        return Metric(namespace="AWS/Events", name=name, statistic="Sum", dimensions={"RuleName": self.rule_name})

    def _dead_letters(self, thresholds: Alarms) -> list[Alarm]:
        failed, undelivered = self.queue.dead_letter, self.delivery_dlq
        return [
            failed.alarm(
                TRANSFORM_DLQ,
                f"Files failed every attempt; their messages are in {failed.queue_name}, and their jobs are FAILED "
                "with a reason and a hint.",
                threshold=thresholds.dead_letter_messages,
                pages=True,
            ),
            undelivered.alarm(
                DELIVERY_DLQ,
                f"EventBridge could not deliver events for 24 hours; {undelivered.queue_name} holds the events of "
                "uploads that were never processed.",
                threshold=thresholds.dead_letter_messages,
                pages=True,
            ),
        ]

    def _delivery_failures(self) -> Alarm:
        return Alarm(
            name="rule-delivery-failures",
            meaning=f"The rule {self.rule_name} fails to deliver events to {self.queue.queue_name}; uploads are "
            "not processed.",
            command=f"aws events list-targets-by-rule --rule {self.rule_name}",
            metrics={
                "failed": self._rule_metric("FailedInvocations"),
                "dlq": self._rule_metric("InvocationsSentToDlq"),
                "lost": self._rule_metric("InvocationsFailedToBeSentToDlq"),
            },
            expression="FILL(failed,0)+FILL(dlq,0)+FILL(lost,0)",
            threshold=0,
            pages=True,
        )

    def _waiting(self, thresholds: Alarms) -> Alarm:
        queue_name = self.queue.queue_name
        # This metric excludes messages received more than three times; the dead-letter alarm covers those.
        return Alarm(
            name="oldest-message-age",
            meaning=f"Messages in {queue_name} are too old: more uploads arrive than the functions can process, or "
            "the pipe is stopped.",
            command=f"aws sqs get-queue-attributes --queue-url {queue_url_command(queue_name)} --attribute-names All",
            metrics={"age": queue_metric(queue_name, "ApproximateAgeOfOldestMessage")},
            threshold=thresholds.oldest_message_seconds,
            periods=3,
            pages=True,
        )


def _objects_created(bucket_name: pulumi.Input[str]) -> dict[str, Any]:
    """The EventBridge pattern of the `Object Created` events of uploads."""
    return {
        "source": [events.S3_SOURCE],
        "detail-type": [events.OBJECT_CREATED],
        "detail": {"bucket": {"name": [bucket_name]}, "object": {"key": [{"prefix": UPLOADS}]}},
    }
