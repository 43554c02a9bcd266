"""Uploads: the ingest bucket, the EventBridge rule that matches them, and the transform queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.blocks.bucket import Bucket, BucketArgs
from components.blocks.inventory import Inventory
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
from contract.names import DELETION_RULE, DELIVERY, TRANSFORM, TRANSFORM_QUEUE, UPLOAD_RULE, dead_letter_queue

TRANSFORM_DLQ, DELIVERY_DLQ = dead_letter_queue(TRANSFORM), dead_letter_queue(DELIVERY)


@dataclass(frozen=True, kw_only=True)
class IngestArgs:
    """`page_origins` are the origins of web pages that upload by presigned requests."""

    context: StackContext
    settings: Settings
    page_origins: Sequence[pulumi.Input[str]] = ()


class Ingest(pulumi.ComponentResource):
    """From an object created under uploads/ to a message in the transform queue, after a malware scan if enabled."""

    bucket: Bucket
    malware_scan: MalwareScan | None
    queue: Queue
    delivery_dlq: DeadLetterQueue
    rule_names: Sequence[str]

    def __init__(self, name: str, args: IngestArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Ingest", name, None, opts)
        self._prefix, self._args = name, args
        bucket_name = args.settings.ingest_bucket_name or args.context.bucket_name("ingest")
        self.bucket = self._bucket(bucket_name)
        rules = self._rules(bucket_name)
        self.rule_names = [args.context.name(role) for role in rules]
        event_bridge = [Sender(service="events.amazonaws.com", source_arn=rule.arn) for rule in rules.values()]
        self.queue = self._queue(event_bridge)
        self.delivery_dlq = DeadLetterQueue(
            f"{name}-delivery-dlq",
            DeadLetterQueueArgs(
                context=args.context,
                queue_name=args.context.name(DELIVERY_DLQ),
                senders=event_bridge,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        notification = self._notify_queue(rules)
        self.malware_scan = None
        if args.settings.malware_scan:
            self.malware_scan = MalwareScan(
                f"{name}-malware-scan",
                MalwareScanArgs(context=args.context, bucket=self.bucket, prefix=UPLOADS, notification=notification),
                pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"bucket": self.bucket.name, "queue": self.queue.url})

    def inventory(self) -> Inventory:
        """The bucket of uploads, the queue of their events, and the malware scan if there is one."""
        scan = self.malware_scan
        return Inventory(
            outputs={
                "ingest_bucket": self.bucket.name,
                "transform_queue_url": self.queue.url,
                "transform_dlq_url": self.queue.dead_letter.url,
                "delivery_dlq_url": self.delivery_dlq.url,
                **({"malware_protection_plan": scan.plan_id} if scan else {}),
            },
            role_arns={"malware-scan": scan.role_arn} if scan else {},
        )

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
                cors_origins=args.page_origins,
                statements=deny_unscanned_reads(context, uploads) if args.settings.malware_scan else (),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _rules(self, bucket_name: str) -> dict[str, aws.cloudwatch.EventRule]:
        """The rules that match uploads and deletions, by role."""
        scans = self._args.settings.malware_scan
        uploads = scan_results(self.bucket.name, UPLOADS) if scans else _objects_created(self.bucket.name)
        place = f"under {UPLOADS} of {bucket_name}"
        return {
            UPLOAD_RULE: self._rule(UPLOAD_RULE, uploads, f"An object was {'scanned' if scans else 'created'} {place}"),
            DELETION_RULE: self._rule(
                DELETION_RULE, _objects_deleted(self.bucket.name), f"An object was deleted {place}"
            ),
        }

    def _rule(self, role: str, pattern: Mapping[str, Any], description: str) -> aws.cloudwatch.EventRule:
        return aws.cloudwatch.EventRule(
            f"{self._prefix}-{role}",
            name=self._args.context.name(role),
            description=description,
            event_pattern=pulumi.Output.json_dumps(pattern),
            state="ENABLED",
            tags=self._args.context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _queue(self, event_bridge: Sequence[Sender]) -> Queue:
        args = self._args
        return Queue(
            f"{self._prefix}-transform",
            QueueArgs(
                context=args.context,
                queue_name=args.context.name(TRANSFORM_QUEUE),
                dead_letter_queue_name=args.context.name(TRANSFORM_DLQ),
                senders=event_bridge,
                visibility_timeout_seconds=args.settings.visibility_timeout_seconds,
                max_receive_count=args.settings.max_receive_count,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _notify_queue(self, rules: Mapping[str, aws.cloudwatch.EventRule]) -> aws.s3.BucketNotification:
        """Make the queue the rules' target, then turn on the bucket's notifications to EventBridge."""
        targets = [
            aws.cloudwatch.EventTarget(
                f"{self._prefix}-{role}-{TRANSFORM_QUEUE}",
                rule=rule.name,
                target_id=TRANSFORM_QUEUE,
                arn=self.queue.arn,
                # The defaults of EventBridge, explicitly: 24 hours, with back-off and jitter ("Retrying events").
                retry_policy={"maximum_event_age_in_seconds": 24 * 3600, "maximum_retry_attempts": 185},
                dead_letter_config={"arn": self.delivery_dlq.arn},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.queue, self.delivery_dlq]),
            )
            for role, rule in rules.items()
        ]
        # Last, so that no event is sent before the rules have their target.
        return aws.s3.BucketNotification(
            f"{self._prefix}-events",
            bucket=self.bucket.name,
            eventbridge=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=targets),
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
                    "Upload and deletion events": {
                        name: self._rule_metric(name, "Invocations") for name in self.rule_names
                    },
                    "Waiting": {label: queue_metric(self.queue.queue_name, name) for label, name in waiting.items()},
                    "Failed and undelivered": {
                        TRANSFORM_DLQ: self.queue.dead_letter.depth,
                        DELIVERY_DLQ: self.delivery_dlq.depth,
                    },
                }
            ],
        )

    def _rule_metric(self, rule_name: str, name: str) -> Metric:
        return Metric(namespace="AWS/Events", name=name, statistic="Sum", dimensions={"RuleName": rule_name})

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
        failures = {
            "failed": "FailedInvocations",
            "dlq": "InvocationsSentToDlq",
            "lost": "InvocationsFailedToBeSentToDlq",
        }
        metrics = {
            f"{label}{index}": self._rule_metric(rule_name, name)
            for index, rule_name in enumerate(self.rule_names)
            for label, name in failures.items()
        }
        return Alarm(
            name="rule-delivery-failures",
            meaning=f"A rule fails to deliver events to {self.queue.queue_name}; uploads or deletions are not "
            "processed.",
            command=f"aws events list-targets-by-rule --rule {self.rule_names[0]}",
            metrics=metrics,
            expression="+".join(f"FILL({label},0)" for label in metrics),
            threshold=0,
            pages=True,
            essential=True,
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
            essential=True,
        )


def _objects_deleted(bucket_name: pulumi.Input[str]) -> dict[str, Any]:
    """An EventBridge pattern: every deletion by a request, not those by the bucket's lifecycle."""
    return {
        "source": [events.S3_SOURCE],
        "detail-type": [events.OBJECT_DELETED],
        "detail": {
            "bucket": {"name": [bucket_name]},
            "object": {"key": [{"prefix": UPLOADS}]},
            "reason": [events.DELETE_OBJECT],
        },
    }


def _objects_created(bucket_name: pulumi.Input[str]) -> dict[str, Any]:
    """The EventBridge pattern of the `Object Created` events of uploads."""
    return {
        "source": [events.S3_SOURCE],
        "detail-type": [events.OBJECT_CREATED],
        "detail": {"bucket": {"name": [bucket_name]}, "object": {"key": [{"prefix": UPLOADS}]}},
    }
