"""Records and notifications: the tables, the results topic and its subscribers' queues."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.iam import deny_plaintext, policy_document
from components.blocks.inventory import Inventory
from components.blocks.monitoring import Alarm, Monitoring, Row
from components.blocks.queue import Queue, QueueArgs, Sender
from components.blocks.table import Index, TableArgs, create_table, table_metric, throttle_alarm
from components.settings import ResultSubscriber, Settings
from components.stack_context import StackContext
from contract import assets
from contract.jobs import FILE_KEY_INDEX, OWNER_INDEX, STATUS_INDEX
from contract.messages import MessageAttribute
from contract.names import dead_letter_queue, results_queue

# A subscriber that needs longer than this for a message extends its visibility timeout itself.
SUBSCRIBER_VISIBILITY_SECONDS = 60
SUBSCRIBER_RECEIVES = 5


@dataclass(frozen=True, kw_only=True)
class PersistArgs:
    context: StackContext
    settings: Settings


class Persist(pulumi.ComponentResource):
    """The record of every file, and the notification that it is ready or rejected."""

    assets: aws.dynamodb.Table
    jobs: aws.dynamodb.Table
    denylist: aws.dynamodb.Table
    table_names: Mapping[str, str]
    results_topic_arn: pulumi.Output[str]
    subscriber_queues: Mapping[str, Queue]

    def __init__(self, name: str, args: PersistArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Persist", name, None, opts)
        self._prefix = name
        self.table_names = {
            "assets": args.context.name("assets"),
            "jobs": args.context.name("jobs"),
            "denylist": args.settings.denylist_table_name or args.context.name("denylist"),
        }
        self._thresholds = args.settings.alarms

        self.assets = self._table(
            "assets",
            args,
            key="fileKey",
            indexes=[
                # One caller's assets, and those of all callers in parts that are read one after the other.
                Index(name=assets.OWNER_INDEX, hash_key="owner", range_key="persistedAt", projection="KEYS_ONLY"),
                Index(name=assets.SHARD_INDEX, hash_key="shard", range_key="persistedAt", projection="KEYS_ONLY"),
            ],
            time_to_live="expiresAt",
        )
        self.jobs = self._table(
            "jobs",
            args,
            key="jobId",
            indexes=[
                # The history of one file: its jobs, the newest last.
                Index(name=FILE_KEY_INDEX, hash_key="fileKey", range_key="createdAt", projection="ALL"),
                # What failed lately. Keys alone: a job is written to it when it starts and when its status changes.
                Index(name=STATUS_INDEX, hash_key="status", range_key="createdAt", projection="KEYS_ONLY"),
                # One caller's jobs.
                Index(
                    name=OWNER_INDEX,
                    hash_key="owner",
                    range_key="createdAt",
                    projection="INCLUDE",
                    included=("status", "fileKey"),
                ),
            ],
            time_to_live="expiresAt",
        )
        self.denylist = self._table("denylist", args, key="sha256")
        self.results_topic_arn = self._topic(f"{name}-results", args)
        self.subscriber_queues = {
            subscriber: self._subscribe(f"{name}-results-{subscriber}", args, subscriber, wanted)
            for subscriber, wanted in args.settings.result_subscribers.items()
        }
        self.register_outputs({"results_topic_arn": self.results_topic_arn})

    def inventory(self) -> Inventory:
        """The tables, the topic of results, and each subscriber's queues."""
        queues = self.subscriber_queues
        return Inventory(
            outputs={
                "assets_table": self.assets.name,
                "jobs_table": self.jobs.name,
                "denylist_table": self.denylist.name,
                "results_topic_arn": self.results_topic_arn,
                "results_queue_urls": {name: queue.url for name, queue in queues.items()},
                "results_dlq_urls": {name: queue.dead_letter.url for name, queue in queues.items()},
            }
        )

    def monitoring(self) -> Monitoring:
        """Alarms on throttled tables, and on results that a subscriber did not receive."""
        row: Row = {
            "Table throttles": {
                role: table_metric(table_name, "WriteThrottleEvents") for role, table_name in self.table_names.items()
            }
        }
        if self.subscriber_queues:
            undelivered = {name: queue.dead_letter.depth for name, queue in self.subscriber_queues.items()}
            row = {**row, "Results not delivered": undelivered}
        return Monitoring(alarms=[*self._undelivered(), *self._throttles()], rows=[row])

    def _undelivered(self) -> Iterator[Alarm]:
        for name, queue in self.subscriber_queues.items():
            dead_letters = queue.dead_letter
            yield dead_letters.alarm(
                dead_letter_queue(results_queue(name)),
                f"A subscriber did not receive results; they are in {dead_letters.queue_name}.",
                threshold=self._thresholds.dead_letter_messages,
                # The subscriber's owner is responsible for its queue.
                pages=False,
            )

    def _throttles(self) -> Iterator[Alarm]:
        for role, table_name in self.table_names.items():
            yield throttle_alarm(role, table_name, "the workflow retries them")

    def _table(
        self, role: str, args: PersistArgs, *, key: str, indexes: Sequence[Index] = (), time_to_live: str | None = None
    ) -> aws.dynamodb.Table:
        return create_table(
            f"{self._prefix}-{role}",
            TableArgs(
                context=args.context,
                table_name=self.table_names[role],
                key=key,
                indexes=indexes,
                time_to_live=time_to_live,
            ),
            self,
        )

    def _topic(self, name: str, args: PersistArgs) -> pulumi.Output[str]:
        topic = aws.sns.Topic(
            name,
            name=args.context.name("results"),
            kms_master_key_id="alias/aws/sns" if args.context.key_arn is None else args.context.key_arn,
            tags=args.context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.sns.TopicPolicy(
            name,
            arn=topic.arn,
            policy=policy_document([deny_plaintext("sns:Publish", [topic.arn])]),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return topic.arn

    def _subscribe(self, name: str, args: PersistArgs, subscriber: str, wanted: ResultSubscriber) -> Queue:
        context = args.context
        topic = Sender(service="sns.amazonaws.com", source_arn=self.results_topic_arn)
        queue = Queue(
            name,
            QueueArgs(
                context=context,
                queue_name=context.name(results_queue(subscriber)),
                dead_letter_queue_name=context.name(dead_letter_queue(results_queue(subscriber))),
                senders=[topic],
                dead_letter_senders=[topic],
                visibility_timeout_seconds=SUBSCRIBER_VISIBILITY_SECONDS,
                max_receive_count=SUBSCRIBER_RECEIVES,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        filters = {MessageAttribute.OUTCOME: wanted.outcomes, MessageAttribute.MEDIA_TYPE: wanted.media_types}
        aws.sns.TopicSubscription(
            name,
            topic=self.results_topic_arn,
            protocol="sqs",
            endpoint=queue.arn,
            # The body is the message itself, and its attributes are message attributes of SQS.
            raw_message_delivery=True,
            filter_policy=pulumi.Output.json_dumps({key: list(values) for key, values in filters.items() if values})
            if any(filters.values())
            else None,
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": queue.dead_letter.arn}),
            # Otherwise SNS would send to the queue before its policy allows it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[queue]),
        )
        return queue
