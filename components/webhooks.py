"""The webhooks layer: every result, posted to endpoints outside the stack, signed and tried again for days."""

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.consumer import ConsumerArgs, consume, take_messages
from components.blocks.function import Function, FunctionArgs, Platform
from components.blocks.iam import Statement, allow, use_key
from components.blocks.inventory import Inventory
from components.blocks.monitoring import Alarm, Metric, Monitoring, SavedQuery, not_consumed
from components.blocks.queue import Queue, QueueArgs, Sender, queue_metric
from components.persist import Persist
from components.settings import VISIBILITY_FACTOR, WEBHOOK_MEMORY_MB, Settings
from components.stack_context import StackContext
from contract.webhooks import MAX_ATTEMPTS

# Each delivery may take ten seconds, and those of a batch are made at the same time.
TIMEOUT_SECONDS = 25
BATCH_SIZE = 10
# A receiver that hangs holds a call for ten seconds; this many calls serve 50 of them at once.
MAX_CONCURRENCY = 5
# Days that Secrets Manager keeps a deleted secret, 7 at least ("DeleteSecret").
RECOVERY_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class WebhooksArgs:
    context: StackContext
    settings: Settings
    platform: Platform
    persist: Persist


class Webhooks(pulumi.ComponentResource):
    """From a message of the results topic to a signed request at each endpoint."""

    queue: Queue
    function: Function
    secret_arn: pulumi.Output[str]

    def __init__(self, name: str, args: WebhooksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Webhooks", name, None, opts)
        self._prefix, self._args = name, args
        self.queue = self._queue()
        self.secret_arn = self._secret()
        self.function = self._function()
        consume(
            name,
            ConsumerArgs(
                queue_arn=self.queue.arn,
                function=self.function,
                batch_size=BATCH_SIZE,
                max_concurrency=MAX_CONCURRENCY,
                tags=args.context.tags,
            ),
            self,
        )
        self._subscribe()
        self.register_outputs({"secret_arn": self.secret_arn})

    def inventory(self) -> Inventory:
        """The function that delivers, its queue and secret, and where it may deliver."""
        settings = self._args.settings
        return Inventory(
            outputs={
                "webhooks_queue_url": self.queue.url,
                "webhooks_dlq_url": self.queue.dead_letter.url,
                "webhooks_secret_arn": self.secret_arn,
                "webhook_urls": {name: endpoint.url for name, endpoint in settings.webhooks.endpoints.items()},
                "callback_hosts": settings.callback_hosts,
            },
            functions={"webhook": self.function},
        )

    def _queue(self) -> Queue:
        context = self._args.context
        topic = Sender(service="sns.amazonaws.com", source_arn=self._args.persist.results_topic_arn)
        return Queue(
            self._prefix,
            QueueArgs(
                context=context,
                queue_name=context.name("webhooks"),
                dead_letter_queue_name=context.name("webhooks-dlq"),
                senders=[topic],
                dead_letter_senders=[topic],
                visibility_timeout_seconds=VISIBILITY_FACTOR * TIMEOUT_SECONDS,
                max_receive_count=MAX_ATTEMPTS,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _secret(self) -> pulumi.Output[str]:
        """The secret, without a value: `img-pipeline webhooks rotate` gives it one, which no state file then holds."""
        context = self._args.context
        return aws.secretsmanager.Secret(
            self._prefix,
            name=context.name("webhooks"),
            description="What webhooks are signed with, {current, previous}; img-pipeline webhooks rotate",
            kms_key_id=context.key_arn,
            recovery_window_in_days=RECOVERY_DAYS if context.protect_state else 0,
            tags=context.tags,
            opts=context.state_options(self),
        ).arn

    def _function(self) -> Function:
        args = self._args
        return Function(
            self._prefix,
            FunctionArgs(
                platform=args.platform,
                short_name="webhook",
                layer=args.settings.function_layers["webhook"],
                description="Posts results to webhook endpoints",
                memory_mb=WEBHOOK_MEMORY_MB,
                timeout_seconds=TIMEOUT_SECONDS,
                # The event source mapping limits how many run at a time.
                reserved_concurrency=0,
                environment={
                    "WEBHOOK_SETTINGS": args.settings.webhooks_variable,
                    "JOBS_TABLE": args.persist.jobs.name,
                    "QUEUE_URL": self.queue.url,
                    "SECRET_ARN": self.secret_arn,
                },
                statements=self._statements(),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _statements(self) -> list[Statement]:
        args = self._args
        return [
            take_messages(self.queue.arn),
            allow(
                "ScheduleDeliveries",
                ["sqs:SendMessage", "sqs:ChangeMessageVisibility"],
                [self.queue.arn],
                why="Queues one delivery for each endpoint, and when it is tried again",
            ),
            allow(
                "KnowReceivers",
                ["dynamodb:GetItem", "dynamodb:PutItem"],
                [args.persist.jobs.arn],
                why="Reads a job's callback, and records which receivers answered 410 Gone",
            ),
            allow(
                "ReadSigningKeys", ["secretsmanager:GetSecretValue"], [self.secret_arn], why="Signs what it delivers"
            ),
            *use_key(args.context, ["kms:Decrypt", "kms:GenerateDataKey"], ["sqs", "dynamodb", "secretsmanager"]),
        ]

    def _subscribe(self) -> None:
        aws.sns.TopicSubscription(
            self._prefix,
            topic=self._args.persist.results_topic_arn,
            protocol="sqs",
            endpoint=self.queue.arn,
            raw_message_delivery=True,
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": self.queue.dead_letter.arn}),
            # SNS would otherwise try the queue before its policy lets it in.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.queue]),
        )

    def monitoring(self) -> Monitoring:
        """Alarms on deliveries that were not accepted, and on the queue's consumer; the receivers' answers."""
        return Monitoring(
            alarms=list(self._alarms()),
            rows=[
                {
                    "Webhooks waiting": {"visible": self._visible},
                    "Webhooks not accepted": {"webhooks-dlq": self.queue.dead_letter.depth},
                    "Webhook calls": {
                        "calls": self.function.metric("Invocations"),
                        "errors": self.function.metric("Errors"),
                    },
                }
            ],
            queries=[
                SavedQuery(
                    name="webhook-answers",
                    log_group_names=(self.function.log_group_name,),
                    query="filter message = 'posted'\n| stats count(*) as answers by endpoint, status\n"
                    "| sort answers desc",
                )
            ],
        )

    @property
    def _visible(self) -> Metric:
        return queue_metric(self.queue.queue_name, "ApproximateNumberOfMessagesVisible")

    def _alarms(self) -> Iterator[Alarm]:
        dead_letters, thresholds = self.queue.dead_letter, self._args.settings.alarms
        yield dead_letters.alarm(
            "webhooks-dlq",
            f"A receiver accepted no attempt of a webhook for days; it waits in {dead_letters.queue_name}.",
            threshold=thresholds.dead_letter_messages,
            # The receiver's owner has to act.
            pages=False,
        )
        function_name = self.function.function_name
        yield Alarm(
            name="webhooks-stopped",
            meaning=f"Messages are visible in {self.queue.queue_name}, but {function_name} is not invoked: its event "
            "source mapping is disabled or cannot read the queue.",
            command=f"aws lambda list-event-source-mappings --function-name {function_name}:live",
            metrics={"visible": self._visible, "invocations": self.function.metric("Invocations")},
            expression=not_consumed("visible", "invocations"),
            threshold=0,
            periods=5,
            essential=True,
        )
        yield from self.function.alarms(thresholds)
