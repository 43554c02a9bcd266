"""Queues with their dead-letter queues."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.iam import Statement, allow_service, deny_plaintext, policy_document
from components.blocks.monitoring import Alarm, Metric
from components.settings import SOURCE_RETENTION_SECONDS
from components.stack_context import StackContext

# The longest that SQS keeps a message ("Amazon SQS message quotas").
DEAD_LETTER_RETENTION_SECONDS = 14 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Sender:
    """An AWS service that may send to a queue, for one resource of ours only."""

    service: str
    source_arn: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class DeadLetterQueueArgs:
    """`visibility_timeout_seconds` None is SQS's own default, half a minute."""

    context: StackContext
    queue_name: str
    senders: Sequence[Sender] = ()
    visibility_timeout_seconds: int | None = None


class DeadLetterQueue(pulumi.ComponentResource):
    """A dead-letter queue with fourteen days of retention."""

    queue_name: str
    arn: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(self, name: str, args: DeadLetterQueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:DeadLetterQueue", name, None, opts)
        queue = aws.sqs.Queue(
            name,
            name=args.queue_name,
            message_retention_seconds=DEAD_LETTER_RETENTION_SECONDS,
            visibility_timeout_seconds=args.visibility_timeout_seconds,
            sqs_managed_sse_enabled=True if args.context.key_arn is None else None,
            kms_master_key_id=args.context.key_arn,
            tags=args.context.tags,
            opts=args.context.state_options(self),
        )
        _restrict(name, queue, args.senders, self)
        self.queue_name = args.queue_name
        self.arn = queue.arn
        self.url = queue.url
        self.register_outputs({"arn": self.arn, "url": self.url})

    @property
    def depth(self) -> Metric:
        """The number of visible messages."""
        return queue_metric(self.queue_name, "ApproximateNumberOfMessagesVisible")

    def alarm(self, role: str, meaning: str, *, threshold: float, pages: bool, essential: bool = True) -> Alarm:
        """The alarm on messages in the queue; `role` is the part of the queue's name after img-pipeline-{stack}-."""
        return Alarm(
            name=f"{role}-depth",
            meaning=meaning,
            command=f"aws sqs receive-message --queue-url {queue_url_command(self.queue_name)}"
            " --max-number-of-messages 10 --visibility-timeout 0",
            metrics={"depth": self.depth},
            threshold=threshold,
            pages=pages,
            essential=essential,
        )


@dataclass(frozen=True, kw_only=True)
class QueueArgs:
    """`dead_letter_senders` are services that send undeliverable messages directly to the dead-letter queue, and
    `dead_letter_visibility_seconds` is how long its consumer may take, if it has one.
    """

    context: StackContext
    queue_name: str
    dead_letter_queue_name: str
    senders: Sequence[Sender] = ()
    dead_letter_senders: Sequence[Sender] = ()
    dead_letter_visibility_seconds: int | None = None
    visibility_timeout_seconds: int
    max_receive_count: int


class Queue(pulumi.ComponentResource):
    """A queue with its own dead-letter queue."""

    queue_name: str
    arn: pulumi.Output[str]
    url: pulumi.Output[str]
    dead_letter: DeadLetterQueue

    def __init__(self, name: str, args: QueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Queue", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.dead_letter = DeadLetterQueue(
            f"{name}-dlq",
            DeadLetterQueueArgs(
                context=args.context,
                queue_name=args.dead_letter_queue_name,
                senders=args.dead_letter_senders,
                visibility_timeout_seconds=args.dead_letter_visibility_seconds,
            ),
            child,
        )
        queue = aws.sqs.Queue(
            name,
            name=args.queue_name,
            visibility_timeout_seconds=args.visibility_timeout_seconds,
            message_retention_seconds=SOURCE_RETENTION_SECONDS,
            receive_wait_time_seconds=20,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": self.dead_letter.arn, "maxReceiveCount": args.max_receive_count}
            ),
            sqs_managed_sse_enabled=True if args.context.key_arn is None else None,
            kms_master_key_id=args.context.key_arn,
            tags=args.context.tags,
            opts=child,
        )
        _restrict(name, queue, args.senders, self)
        aws.sqs.RedriveAllowPolicy(
            f"{name}-dlq",
            queue_url=self.dead_letter.url,
            redrive_allow_policy=pulumi.Output.json_dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
            ),
            opts=child,
        )
        self.queue_name = args.queue_name
        self.arn = queue.arn
        self.url = queue.url
        self.register_outputs({"arn": self.arn, "url": self.url})


def queue_metric(queue_name: str, name: str) -> Metric:
    """A metric that SQS publishes once a minute about a queue."""
    return Metric(namespace="AWS/SQS", name=name, statistic="Maximum", dimensions={"QueueName": queue_name})


def queue_url_command(queue_name: str) -> str:
    """A shell expression for the URL of a queue, from its name."""
    return f"$(aws sqs get-queue-url --queue-name {queue_name} --query QueueUrl --output text)"


def _restrict(name: str, queue: aws.sqs.Queue, senders: Sequence[Sender], parent: pulumi.Resource) -> None:
    statements: list[Statement] = [deny_plaintext("sqs:*", [queue.arn])]
    statements += [
        allow_service(
            f"Send{index}",
            sender.service,
            ["sqs:SendMessage"],
            queue.arn,
            {"ArnEquals": {"aws:SourceArn": sender.source_arn}},
        )
        for index, sender in enumerate(senders)
    ]
    aws.sqs.QueuePolicy(
        name,
        queue_url=queue.url,
        policy=policy_document(statements),
        opts=pulumi.ResourceOptions(parent=parent),
    )
