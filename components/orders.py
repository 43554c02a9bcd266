"""The orders layer: the tables, the workflow that takes orders, and the functions that fulfil them or give them up."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.alert_topic import alert_topic_arn
from components.blocks.consumer import ConsumerArgs, consume, take_messages
from components.blocks.function import Function, FunctionArgs
from components.blocks.iam import Statement, allow, use_key
from components.blocks.inventory import Inventory
from components.blocks.monitoring import FIVE_MINUTES, Alarm, Monitoring, SavedQuery
from components.blocks.queue import Queue, QueueArgs, queue_metric, queue_url_command
from components.blocks.state_machine import StateMachine, StateMachineArgs
from components.blocks.table import Index, TableArgs, create_table, table_metric, throttle_alarm
from components.ingest import Ingest
from components.persist import Persist
from components.settings import SMALL_MEMORY_MB, VISIBILITY_FACTOR, Settings
from components.stack_context import StackContext
from components.transform import Transform
from components.workflow.order_workflow import TIMEOUT_SECONDS, OrderWorkflowSpec, order_workflow_definition
from contract import orders
from contract.keys import PROCESSED, UPLOADS
from contract.names import ORDER, ORDER_QUEUE, ORDER_STATE_MACHINE, dead_letter_queue
from contract.orders import FULFIL_TIMEOUT_SECONDS, ORDER_ID

# Orders of a batch are fulfilled one after the other: more memory would be needed to fulfil them at the same time.
FULFIL_BATCH = 2
FAILED_ORDER_TIMEOUT_SECONDS = 20
FAILED_ORDER_BATCH = 10
# The least that an event source mapping takes.
FAILED_ORDER_CONCURRENCY = 2

ORDER_DLQ = dead_letter_queue(ORDER)


@dataclass(frozen=True, kw_only=True)
class OrdersArgs:
    context: StackContext
    settings: Settings
    ingest: Ingest
    transform: Transform
    persist: Persist


class Orders(pulumi.ComponentResource):
    """From an order that the API takes to renditions with addresses, or to a failed order that operators redrive."""

    orders: aws.dynamodb.Table
    failed_orders: aws.dynamodb.Table
    queue: Queue
    state_machine: StateMachine
    functions: Mapping[str, Function]

    def __init__(self, name: str, args: OrdersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Orders", name, None, opts)
        self._prefix, self._args = name, args
        self._table_names = {role: args.context.name(role) for role in ("orders", "failed-orders")}
        self.orders = self._table(
            "orders",
            [
                _by_time(orders.OWNER_INDEX, "owner", "createdAt", included=("status",)),
                _by_time(orders.STATUS_INDEX, "status", "createdAt"),
                _by_time(orders.FILE_KEY_INDEX, "fileKey", "createdAt"),
            ],
            time_to_live="expiresAt",
        )
        # A failure is closed, and never deleted.
        self.failed_orders = self._table("failed-orders", [_by_time(orders.STATUS_INDEX, "status", "failedAt")])
        self.queue = self._queue()
        self.state_machine = self._state_machine()
        self.functions = {"fulfil": self._fulfil(), "failed_order": self._failed_order()}
        self._consume("fulfil", self.queue.arn, FULFIL_BATCH, args.settings.orders.concurrency)
        self._consume("failed_order", self.queue.dead_letter.arn, FAILED_ORDER_BATCH, FAILED_ORDER_CONCURRENCY)
        self.register_outputs({"state_machine": self.state_machine.arn})

    def inventory(self) -> Inventory:
        """The tables, the queue, and the workflow and functions of orders."""
        return Inventory(
            outputs={
                "order_queue_url": self.queue.url,
                "order_dlq_url": self.queue.dead_letter.url,
                "order_state_machine_arn": self.state_machine.arn,
                "orders_table": self.orders.name,
                "failed_orders_table": self.failed_orders.name,
            },
            functions=self.functions,
            workflows={"order-workflow": self.state_machine},
        )

    def _table(self, role: str, indexes: Sequence[Index], *, time_to_live: str | None = None) -> aws.dynamodb.Table:
        return create_table(
            f"{self._prefix}-{role}",
            TableArgs(
                context=self._args.context,
                table_name=self._table_names[role],
                key=ORDER_ID,
                indexes=indexes,
                time_to_live=time_to_live,
            ),
            self,
        )

    def _queue(self) -> Queue:
        context = self._args.context
        return Queue(
            self._prefix,
            QueueArgs(
                context=context,
                queue_name=context.name(ORDER_QUEUE),
                dead_letter_queue_name=context.name(ORDER_DLQ),
                visibility_timeout_seconds=VISIBILITY_FACTOR * FULFIL_TIMEOUT_SECONDS,
                dead_letter_visibility_seconds=VISIBILITY_FACTOR * FAILED_ORDER_TIMEOUT_SECONDS,
                max_receive_count=self._args.settings.orders.max_receive_count,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _consume(self, function: str, queue_arn: pulumi.Input[str], batch_size: int, max_concurrency: int) -> None:
        consume(
            f"{self._prefix}-{function}",
            ConsumerArgs(
                queue_arn=queue_arn,
                function=self.functions[function],
                batch_size=batch_size,
                max_concurrency=max_concurrency,
                tags=self._args.context.tags,
            ),
            self,
        )

    def _state_machine(self) -> StateMachine:
        args = self._args
        return StateMachine(
            f"{self._prefix}-workflow",
            StateMachineArgs(
                context=args.context,
                settings=args.settings,
                machine=ORDER_STATE_MACHINE,
                role="order-workflow",
                description="Checks orders, stores them and queues them",
                definition=self._definition(),
                statements=[
                    allow("FindAssets", ["dynamodb:GetItem"], [args.persist.assets.arn], why="Checks what is ordered"),
                    allow(
                        "KeepOrders",
                        ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
                        [self.orders.arn],
                        why="Stores orders and counts them, and withdraws an order that cannot be queued",
                    ),
                    allow("QueueOrders", ["sqs:SendMessage"], [self.queue.arn], why="Queues orders to be fulfilled"),
                    *use_key(args.context, ["kms:Decrypt", "kms:GenerateDataKey"], ["dynamodb", "sqs"]),
                ],
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _definition(self) -> pulumi.Output[str]:
        settings = self._args.settings

        def build(resolved: dict[str, str]) -> str:
            spec = OrderWorkflowSpec(
                **resolved,
                presets=tuple(settings.order_presets),
                daily_orders_per_caller=settings.orders.daily_orders_per_caller,
                retention_days=settings.job_retention_days,
            )
            return json.dumps(order_workflow_definition(spec))

        return pulumi.Output.all(
            assets_table=self._args.persist.assets.name,
            orders_table=self.orders.name,
            order_queue_url=self.queue.url,
        ).apply(build)

    def _fulfil(self) -> Function:
        args, settings = self._args, self._args.settings
        return Function(
            f"{self._prefix}-fulfil",
            FunctionArgs(
                platform=args.transform.platform,
                short_name="fulfil",
                layer=settings.function_layers["fulfil"],
                description="Makes the renditions of an order",
                memory_mb=settings.fulfil_memory_mb,
                timeout_seconds=FULFIL_TIMEOUT_SECONDS,
                # The event source mapping limits how many run at a time.
                reserved_concurrency=0,
                environment={
                    "ORDERS_TABLE": self.orders.name,
                    "FAILED_ORDERS_TABLE": self.failed_orders.name,
                    "ASSETS_TABLE": args.persist.assets.name,
                    "PROCESSED_BUCKET": args.transform.bucket.name,
                    "ORDER_QUEUE_URL": self.queue.url,
                    "RESULTS_TOPIC_ARN": args.persist.results_topic_arn,
                    "ORDER_SETTINGS": settings.orders_variable(
                        args.transform.settings_of("watermark") if "watermark" in settings.transforms else None
                    ),
                },
                statements=self._fulfil_statements(),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _fulfil_statements(self) -> list[Statement]:
        args = self._args
        bucket = args.transform.bucket
        uploads = pulumi.Output.concat(args.ingest.bucket.arn, f"/{UPLOADS}*")
        renditions = pulumi.Output.concat(bucket.arn, f"/{PROCESSED}{UPLOADS}*")
        of_uploads = {"StringLike": {"s3:prefix": [f"{PROCESSED}{UPLOADS}*"]}}
        files = [
            pulumi.Output.concat(bucket.arn, f"/{key}")
            for key in args.transform.stored_files.get("watermark", {}).values()
        ]
        return [
            take_messages(self.queue.arn),
            allow(
                "DelayOrders",
                ["sqs:ChangeMessageVisibility"],
                [self.queue.arn],
                why="Sets when an order is tried again",
            ),
            allow("ReadUploads", ["s3:GetObjectVersion"], [uploads], why="Reads the version that is ordered"),
            allow("FindRenditions", ["s3:ListBucket"], [bucket.arn], of_uploads, why="Finds what is made already"),
            allow(
                "MakeRenditions",
                ["s3:PutObject", "s3:GetObject", "s3:DeleteObjectVersion"],
                [renditions],
                why="Stores renditions, reads the sizes of stored ones, and removes those of a file that was deleted "
                "meanwhile",
            ),
            *([allow("ReadFiles", ["s3:GetObject"], files, why="Reads the watermark's picture")] if files else []),
            allow("CheckAssets", ["dynamodb:GetItem"], [args.persist.assets.arn], why="Checks that the file is there"),
            allow(
                "EndOrders",
                ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
                [self.orders.arn],
                why="Counts attempts, records how they end, and lets equal orders in again",
            ),
            allow(
                "CloseFailures",
                ["dynamodb:UpdateItem"],
                [self.failed_orders.arn],
                why="Closes the failure of an order that is fulfilled after all",
            ),
            allow(
                "TellResults", ["sns:Publish"], [args.persist.results_topic_arn], why="Publishes each order's result"
            ),
            *use_key(args.context, ["kms:Decrypt", "kms:GenerateDataKey"], ["s3", "dynamodb", "sqs", "sns"]),
        ]

    def _failed_order(self) -> Function:
        args, settings = self._args, self._args.settings
        alerts = alert_topic_arn(args.context)
        return Function(
            f"{self._prefix}-failed-order",
            FunctionArgs(
                platform=args.transform.platform,
                short_name="failed_order",
                layer=settings.function_layers["failed_order"],
                description="Records orders that could not be fulfilled",
                memory_mb=SMALL_MEMORY_MB,
                timeout_seconds=FAILED_ORDER_TIMEOUT_SECONDS,
                reserved_concurrency=0,
                environment={
                    "ORDERS_TABLE": self.orders.name,
                    "FAILED_ORDERS_TABLE": self.failed_orders.name,
                    "ALERT_TOPIC_ARN": alerts,
                    "STACK": args.context.stack,
                },
                statements=[
                    take_messages(self.queue.dead_letter.arn),
                    allow(
                        "FailOrders",
                        ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
                        [self.orders.arn],
                        why="Marks orders as FAILED, and lets equal orders in again",
                    ),
                    allow(
                        "RecordFailures",
                        ["dynamodb:PutItem"],
                        [self.failed_orders.arn],
                        why="Records order, cause and attempts",
                    ),
                    allow("AlertOperators", ["sns:Publish"], [alerts], why="Alerts the operators"),
                    *use_key(args.context, ["kms:Decrypt", "kms:GenerateDataKey"], ["dynamodb", "sqs", "sns"]),
                ],
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def monitoring(self) -> Monitoring:
        """Alarms on orders that fail or wait, on the workflow and the functions; their graphs and queries."""
        logs = tuple(function.log_group_name for function in self.functions.values())
        fulfil, queue_name = self.functions["fulfil"], self.queue.queue_name
        ends = {"succeeded": "ExecutionsSucceeded", "failed": "ExecutionsFailed", "timed out": "ExecutionsTimedOut"}
        return Monitoring(
            alarms=list(self._alarms()),
            rows=[
                {
                    "Orders taken": {label: self.state_machine.metric(metric) for label, metric in ends.items()},
                    "Orders waiting": {
                        "waiting": queue_metric(queue_name, "ApproximateNumberOfMessagesVisible"),
                        ORDER_DLQ: self.queue.dead_letter.depth,
                    },
                    "Orders, calls": {
                        "fulfil": fulfil.metric("Invocations"),
                        "given up": self.functions["failed_order"].metric("Invocations"),
                        "errors": fulfil.metric("Errors"),
                    },
                    "Order table throttles": {
                        role: table_metric(table, "WriteThrottleEvents") for role, table in self._table_names.items()
                    },
                }
            ],
            queries=[
                SavedQuery(
                    name="one-order",
                    log_group_names=logs,
                    query="fields @timestamp, service, outcome, attempt, durationMs, fileKey, traceId\n"
                    "| filter orderId = 'REPLACE-ME'\n| sort @timestamp asc",
                ),
                SavedQuery(
                    name="order-attempts-by-outcome",
                    log_group_names=(fulfil.log_group_name,),
                    query="filter ispresent(orderId)\n"
                    "| stats count(*) as attempts, latest(orderId) as example by outcome, attempt\n"
                    "| sort attempts desc",
                ),
                SavedQuery(
                    name="failed-orders-not-recorded",
                    log_group_names=(self.functions["failed_order"].log_group_name,),
                    query="filter level = 'ERROR'\n"
                    "| stats count(*) as attempts, latest(orderId) as example, latest(exception) as error by outcome\n"
                    "| sort attempts desc",
                ),
            ],
        )

    def _alarms(self) -> Iterator[Alarm]:
        thresholds, queue_name = self._args.settings.alarms, self.queue.queue_name
        yield Alarm(
            name="orders-given-up",
            meaning="Orders failed at every attempt; they are FAILED, and listed with their causes in "
            f"{self._table_names['failed-orders']}.",
            command=f"aws logs tail {self.functions['fulfil'].log_group_name} --since 30m --filter-pattern ERROR",
            metrics={"given": self.functions["failed_order"].metric("Invocations")},
            threshold=thresholds.dead_letter_messages,
            period_seconds=FIVE_MINUTES,
        )
        yield self.queue.dead_letter.alarm(
            ORDER_DLQ,
            f"Failed orders are not recorded; they wait in {self.queue.dead_letter.queue_name}.",
            threshold=thresholds.dead_letter_messages,
            pages=False,
        )
        yield Alarm(
            name="order-queue-oldest-message",
            meaning="Orders have been waiting for a long time and are not fulfilled.",
            command=f"aws sqs get-queue-attributes --queue-url {queue_url_command(queue_name)} --attribute-names All",
            metrics={"age": queue_metric(queue_name, "ApproximateAgeOfOldestMessage")},
            threshold=thresholds.oldest_message_seconds,
            periods=3,
            essential=True,
        )
        yield from self.state_machine.alarms(
            thresholds,
            timeout_seconds=TIMEOUT_SECONDS,
            when_failed="the API asks its callers to order again",
            when_throttled="the API asks its callers to order again",
            pages=False,
        )
        for function in self.functions.values():
            yield from function.alarms(thresholds)
        for role, table_name in self._table_names.items():
            yield throttle_alarm(role, table_name, "orders are tried again")


def _by_time(name: str, key: str, time: str, *, included: Sequence[str] = ()) -> Index:
    projection = "INCLUDE" if included else "KEYS_ONLY"
    return Index(name=name, hash_key=key, range_key=time, projection=projection, included=included)
