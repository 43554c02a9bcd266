"""The operators' routes of the API: a function that sees what is wrong, and one that has what failed tried again.

Each has a role of its own, so that neither the API's callers nor a look at a queue can move a message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.audit import Audit
from components.blocks.alert_topic import alert_topic_arn
from components.blocks.bucket import Bucket
from components.blocks.function import Function, FunctionArgs, Platform
from components.blocks.iam import Statement, allow, use_key
from components.blocks.monitoring import Alarm
from components.blocks.table import index_arn
from components.orders import Orders
from components.persist import Persist
from components.settings import API_MEMORY_MB, Alarms, Settings
from components.stack_context import StackContext
from contract.api import FAILED_ORDERS_ROUTE, OPERATOR_ROUTES, REDRIVE_ROUTE, REPLAY_ROUTE
from contract.keys import UPLOADS
from contract.operator import OperatorConfiguration
from contract.orders import STATUS_INDEX
from contract.outputs import QueueOutputs

# Longer than the functions read or move messages in one call, and shorter than the API waits.
TIMEOUT_SECONDS = 25


@dataclass(frozen=True, kw_only=True)
class OperatorArgs:
    """`queues` are those of the stack whose messages fail, and `pipe_name` that from the first of them."""

    context: StackContext
    settings: Settings
    platform: Platform
    ingest_bucket: Bucket
    persist: Persist
    audit: Audit
    queues: QueueOutputs[pulumi.Input[str]]
    pipe_name: str
    orders: Orders | None


class Operator(pulumi.ComponentResource):
    """The operators' functions; `routes` says which route of the API each answers."""

    functions: Mapping[str, Function]
    routes: dict[str, Function]

    def __init__(self, name: str, args: OperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Operator", name, None, opts)
        self._prefix, self._args = name, args
        failures = {"FAILED_ORDERS_TABLE": args.orders.failed_orders.name} if args.orders else {}
        ordered = {"ORDERS_TABLE": args.orders.orders.name} if args.orders else {}
        audit = {"AUDIT_LOG_GROUP": args.audit.log_group_name}
        look = self._function("operator", "Shows what failed, and why", self._look_statements(), failures)
        replay = self._function(
            "replay",
            "Replays dead letters and redrives orders for operators",
            self._replay_statements(),
            {**audit, **failures, **ordered},
        )
        self.functions = {"operator": look, "replay": replay}
        self.routes = {**dict.fromkeys(OPERATOR_ROUTES, look), REPLAY_ROUTE: replay}
        if args.orders:
            self.routes |= {FAILED_ORDERS_ROUTE: look, REDRIVE_ROUTE: replay}
        self.register_outputs({})

    def _function(
        self,
        short_name: str,
        description: str,
        statements: Sequence[Statement],
        environment: Mapping[str, pulumi.Input[str]],
    ) -> Function:
        args = self._args
        return Function(
            f"{self._prefix}-{short_name}",
            FunctionArgs(
                platform=args.platform,
                short_name=short_name,
                layer=args.settings.function_layers[short_name],
                description=description,
                memory_mb=API_MEMORY_MB,
                timeout_seconds=TIMEOUT_SECONDS,
                # The API's own throttles limit how many run at a time.
                reserved_concurrency=0,
                environment={
                    "JOBS_TABLE": args.persist.jobs.name,
                    "OPERATOR_SETTINGS": pulumi.Output.json_dumps(self._configuration().values()),
                    **environment,
                },
                statements=statements,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _configuration(self) -> OperatorConfiguration[pulumi.Input[str]]:
        args = self._args
        return OperatorConfiguration(
            stack=args.context.stack,
            auth=args.settings.api.auth,
            queues=args.queues,
            pipe_name=args.pipe_name,
            alert_topic_arn=alert_topic_arn(args.context),
        )

    def _look_statements(self) -> list[Statement]:
        context, queues = self._args.context, self._args.queues
        dead_letters = [self._queue_arn(each.url) for each in queues.dead_letter_queues]
        return [
            allow(
                "CountMessages",
                ["sqs:GetQueueAttributes"],
                [*map(self._queue_arn, queues.queue_urls), *dead_letters],
                why="Counts the messages of every queue",
            ),
            allow(
                "ReadDeadLetters",
                ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"],
                dead_letters,
                why="Reads dead letters, which stay in their queue",
            ),
            self._find_causes(),
            *self._find_failed_orders(),
            allow(
                "SeePipe",
                ["pipes:DescribePipe"],
                [context.arn("pipes", f"pipe/{self._args.pipe_name}")],
                why="Sees whether the pipe runs",
            ),
            allow(
                "FindAlarms",
                ["cloudwatch:DescribeAlarms"],
                [context.arn("cloudwatch", "alarm:*")],
                why="Finds the alarms in ALARM; AWS checks a search against all alarms",
            ),
            allow(
                "ReadAges",
                ["cloudwatch:GetMetricData"],
                ["*"],
                why="Reads the age of each queue's oldest message; AWS supports no narrower resource",
            ),
            *use_key(context, ["kms:Decrypt"], ["sqs", "dynamodb"]),
        ]

    def _replay_statements(self) -> list[Statement]:
        args, context = self._args, self._args.context
        dead_letters = args.queues.dead_letter_queues
        audit = context.arn("logs", f"log-group:{args.audit.log_group_name}:*")
        return [
            allow(
                "TakeDeadLetters",
                ["sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"],
                [self._queue_arn(each.url) for each in dead_letters],
                why="Takes dead letters out of their queue",
            ),
            allow(
                "ReplayDeadLetters",
                ["sqs:SendMessage"],
                [self._queue_arn(url) for url in args.queues.queue_urls],
                why="Sends them to the queue where they failed",
            ),
            self._find_causes(),
            *self._read_scan_results(),
            *self._find_failed_orders(),
            *self._redrive_orders(),
            allow("WriteAudit", ["logs:CreateLogStream", "logs:PutLogEvents"], [audit], why="Writes who replayed what"),
            *use_key(context, ["kms:Decrypt", "kms:GenerateDataKey"], ["sqs", "dynamodb"]),
        ]

    def _find_causes(self) -> Statement:
        jobs = self._args.persist.jobs.arn
        return allow("FindCauses", ["dynamodb:BatchGetItem"], [jobs], why="Reads why jobs failed")

    def _read_scan_results(self) -> list[Statement]:
        if not self._args.settings.malware_scan:
            return []
        uploads = pulumi.Output.concat(self._args.ingest_bucket.arn, f"/{UPLOADS}*")
        why = "Reads the latest malware scan result of a rejected file"
        return [allow("ReadScanResults", ["s3:GetObjectVersionTagging"], [uploads], why=why)]

    def _find_failed_orders(self) -> list[Statement]:
        if self._args.orders is None:
            return []
        failures = self._args.orders.failed_orders.arn
        return [
            allow(
                "ListFailedOrders",
                ["dynamodb:Query"],
                [index_arn(failures, STATUS_INDEX)],
                why="Lists the failed orders that have not been redriven",
            ),
            allow("ReadFailedOrders", ["dynamodb:BatchGetItem"], [failures], why="Reads why orders failed"),
        ]

    def _redrive_orders(self) -> list[Statement]:
        if self._args.orders is None:
            return []
        tables = [self._args.orders.orders.arn, self._args.orders.failed_orders.arn]
        why = "Marks orders as processed again, and their failures as redriven"
        return [allow("RedriveOrders", ["dynamodb:UpdateItem"], tables, why=why)]

    def _queue_arn(self, url: pulumi.Input[str]) -> pulumi.Output[str]:
        return pulumi.Output.from_input(url).apply(
            lambda known: self._args.context.arn("sqs", known.rsplit("/", 1)[-1])
        )

    def alarms(self, thresholds: Alarms) -> list[Alarm]:
        """The alarms on both functions."""
        return [alarm for function in self.functions.values() for alarm in function.alarms(thresholds)]
