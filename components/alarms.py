"""Every alarm as data: what it watches, what it means, and the command to look next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pulumi

from components.blocks.function import Function
from components.blocks.pipe import WorkflowPipe
from components.blocks.queue import DeadLetterQueue
from components.ingest import Ingest
from components.persist import Persist
from components.settings import Settings
from components.stack_context import StackContext
from components.transform import Transform
from contract.metrics import SERVICE_DIMENSION, metrics_namespace
from contract.metrics import Metric as FunctionMetric

FIVE_MINUTES = 300


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One CloudWatch metric; `statistic` is Sum, Average, Maximum, SampleCount or a percentile such as p99."""

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Goes off when `expression` over `metrics`, or the one metric itself, has compared like this to `threshold` in
    every one of `periods` periods.

    `name` is the part of its physical name after img-pipeline-{stack}-; `pages` says that somebody has to get up.
    """

    name: str
    meaning: str
    command: str
    metrics: Mapping[str, Metric]
    expression: str | None = None
    comparison: str = "GreaterThanThreshold"
    threshold: float
    period_seconds: int = 60
    periods: int = 1
    pages: bool = False


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The layers that alarms, dashboard and saved queries look at."""

    context: StackContext
    settings: Settings
    ingest: Ingest
    transform: Transform
    pipe: WorkflowPipe
    persist: Persist

    @property
    def dead_letter_queues(self) -> dict[str, DeadLetterQueue]:
        """Every dead-letter queue by the part of its name after img-pipeline-{stack}-."""
        return {
            "transform-dlq": self.ingest.queue.dead_letter,
            "validate-dlq": self.transform.validate_dlq,
            "delivery-dlq": self.ingest.delivery_dlq,
            **{f"results-{name}-dlq": queue.dead_letter for name, queue in self.persist.subscriber_queues.items()},
        }


def queue_metric(queue_name: str, name: str) -> Metric:
    return Metric(namespace="AWS/SQS", name=name, statistic="Maximum", dimensions={"QueueName": queue_name})


def pipe_metric(pipe: WorkflowPipe, name: str) -> Metric:
    return Metric(
        namespace="AWS/EventBridge/Pipes", name=name, statistic="Sum", dimensions={"PipeName": pipe.pipe_name}
    )


def rule_metric(ingest: Ingest, name: str) -> Metric:
    return Metric(namespace="AWS/Events", name=name, statistic="Sum", dimensions={"RuleName": ingest.rule_name})


def workflow_metric(transform: Transform, name: str, statistic: str = "Sum") -> Metric:
    return Metric(
        namespace="AWS/States",
        name=name,
        statistic=statistic,
        dimensions={"StateMachineArn": transform.state_machine.arn},
    )


def function_metric(function: Function, name: str, statistic: str = "Sum") -> Metric:
    return Metric(
        namespace="AWS/Lambda",
        name=name,
        statistic=statistic,
        dimensions={"FunctionName": function.function_name},
    )


def table_metric(table_name: str, name: str) -> Metric:
    return Metric(namespace="AWS/DynamoDB", name=name, statistic="Sum", dimensions={"TableName": table_name})


def alarms(watched: Watched) -> list[Alarm]:
    """All alarms of a stack."""
    return [
        *_dead_letters(watched),
        *_delivery(watched),
        *_pipe(watched),
        *_workflow(watched),
        *_functions(watched),
        _account_concurrency(watched),
        *_tables(watched),
    ]


_DEAD_LETTER_MEANINGS = {
    "transform-dlq": "Files failed every try and wait in {queue}; their jobs stand as FAILED with a reason and a hint.",
    "validate-dlq": "Uploads were rejected and are kept in {queue} with reason code, reason and hint.",
    "delivery-dlq": "EventBridge could not hand events over for a day; {queue} holds uploads that were never tried.",
}


def _dead_letters(watched: Watched) -> Iterator[Alarm]:
    for role, queue in watched.dead_letter_queues.items():
        meaning = _DEAD_LETTER_MEANINGS.get(role, "A subscriber could not take results; they wait in {queue}.")
        yield Alarm(
            name=f"{role}-depth",
            meaning=meaning.format(queue=queue.queue_name),
            command=_peek(queue.queue_name),
            metrics={"depth": queue_metric(queue.queue_name, "ApproximateNumberOfMessagesVisible")},
            threshold=watched.settings.alarms.dead_letter_messages,
            # A rejected file is its owner's affair, and a subscriber's queue its subscriber's.
            pages=role in ("transform-dlq", "delivery-dlq"),
        )


def _delivery(watched: Watched) -> Iterator[Alarm]:
    ingest, queue_name = watched.ingest, watched.ingest.queue.queue_name
    yield Alarm(
        name="rule-delivery-failures",
        meaning=f"The rule {ingest.rule_name} fails to put events into {queue_name}; uploads are not noticed.",
        command=f"aws events list-targets-by-rule --rule {ingest.rule_name}",
        metrics={
            "failed": rule_metric(ingest, "FailedInvocations"),
            "dlq": rule_metric(ingest, "InvocationsSentToDlq"),
            "lost": rule_metric(ingest, "InvocationsFailedToBeSentToDlq"),
        },
        expression="FILL(failed,0)+FILL(dlq,0)+FILL(lost,0)",
        threshold=0,
        pages=True,
    )
    # Messages received more than three times no longer count in this metric; the dead-letter alarm catches those.
    yield Alarm(
        name="oldest-message-age",
        meaning=f"Uploads wait too long in {queue_name}: arrivals outrun the functions, or the pipe stands.",
        command=f"aws sqs get-queue-attributes --queue-url {_queue_url(queue_name)} --attribute-names All",
        metrics={"age": queue_metric(queue_name, "ApproximateAgeOfOldestMessage")},
        threshold=watched.settings.alarms.oldest_message_seconds,
        periods=3,
        pages=True,
    )


def _pipe(watched: Watched) -> Iterator[Alarm]:
    pipe, queue_name = watched.pipe, watched.ingest.queue.queue_name
    yield Alarm(
        name="pipe-failures",
        meaning=f"Executions started by {pipe.pipe_name} fail or time out; their messages come back to {queue_name}.",
        command=f"aws logs tail {pipe.log_group_name} --since 30m",
        metrics={
            "failed": pipe_metric(pipe, "ExecutionFailed"),
            "timeout": pipe_metric(pipe, "ExecutionTimeout"),
        },
        expression="FILL(failed,0)+FILL(timeout,0)",
        threshold=watched.settings.alarms.pipe_failures,
        period_seconds=FIVE_MINUTES,
    )
    yield Alarm(
        name="pipe-throttles",
        meaning=f"{pipe.pipe_name} is throttled: the account runs as many pipe executions as it may.",
        command="aws service-quotas list-service-quotas --service-code pipes",
        metrics={"throttled": pipe_metric(pipe, "ExecutionThrottled")},
        threshold=0,
        period_seconds=FIVE_MINUTES,
    )
    # No metric tells a pipe's state. A pipe that was stopped, or disabled after lasting errors, shows in messages
    # that can be taken while nobody takes them; with an empty queue it harms nobody yet.
    yield Alarm(
        name="pipe-stopped",
        meaning=f"Messages wait in {queue_name} and {pipe.pipe_name} takes none: it is stopped or was disabled.",
        command=f"aws pipes describe-pipe --name {pipe.pipe_name} --query '[CurrentState,StateReason]'",
        metrics={
            "visible": queue_metric(queue_name, "ApproximateNumberOfMessagesVisible"),
            "invocations": pipe_metric(pipe, "Invocations"),
        },
        expression="IF(FILL(visible,0)>0 AND FILL(invocations,0)==0,1,0)",
        threshold=0,
        periods=5,
        pages=True,
    )


def _workflow(watched: Watched) -> Iterator[Alarm]:
    transform, thresholds = watched.transform, watched.settings.alarms
    log = f"aws logs tail {transform.state_machine.log_group_name} --since 30m"
    yield Alarm(
        name="workflow-failed",
        meaning="Executions fail after their retries; their messages come back, at last to the dead-letter queue.",
        command=f"{log} --filter-pattern ExecutionFailed",
        metrics={"failed": workflow_metric(transform, "ExecutionsFailed")},
        threshold=thresholds.workflow_failures,
        period_seconds=FIVE_MINUTES,
        pages=True,
    )
    yield Alarm(
        name="workflow-timed-out",
        meaning=f"Executions are cut off after {watched.settings.workflow_timeout_seconds} s, which no Catch sees.",
        command=f"{log} --filter-pattern ExecutionTimedOut",
        metrics={"timed": workflow_metric(transform, "ExecutionsTimedOut")},
        threshold=0,
        period_seconds=FIVE_MINUTES,
    )
    yield Alarm(
        name="workflow-throttled",
        meaning="Step Functions refuses to start executions; the queue holds their messages meanwhile.",
        command="aws service-quotas list-service-quotas --service-code states",
        metrics={"throttled": workflow_metric(transform, "ExecutionThrottled")},
        threshold=0,
        period_seconds=FIVE_MINUTES,
    )
    yield Alarm(
        name="workflow-p99-time",
        meaning=f"One execution in a hundred takes longer than {thresholds.workflow_p99_seconds:g} seconds.",
        command=f"{log} --filter-pattern ExecutionSucceeded",
        metrics={"time": workflow_metric(transform, "ExecutionTime", "p99")},
        # ExecutionTime is in milliseconds ("Monitoring Step Functions metrics").
        threshold=thresholds.workflow_p99_seconds * 1000,
        period_seconds=FIVE_MINUTES,
    )


def _functions(watched: Watched) -> Iterator[Alarm]:
    for short_name, function in watched.transform.functions.items():
        yield _function_errors(watched, short_name, function)
        yield _cold_starts(watched, short_name, function)


def _function_errors(watched: Watched, short_name: str, function: Function) -> Alarm:
    limit = watched.settings.alarms.function_error_percent
    return Alarm(
        name=f"{short_name}-errors",
        meaning=f"More than {limit:g} % of the calls to {function.function_name} end in an error.",
        command=f"aws logs tail {function.log_group_name} --since 30m --filter-pattern '?ERROR ?\"Task timed out\"'",
        metrics={
            "errors": function_metric(function, "Errors"),
            "calls": function_metric(function, "Invocations"),
        },
        expression=_percentage("errors", "calls", watched),
        threshold=limit,
        period_seconds=FIVE_MINUTES,
    )


def _cold_starts(watched: Watched, short_name: str, function: Function) -> Alarm:
    limit = watched.settings.alarms.cold_start_percent
    # One sample per call, 1 when it was a cold start.
    samples = {
        "namespace": metrics_namespace(watched.context.stack),
        "name": FunctionMetric.COLD_START,
        "dimensions": {SERVICE_DIMENSION: short_name},
    }
    return Alarm(
        name=f"{short_name}-cold-starts",
        meaning=f"More than {limit:g} % of the calls to {function.function_name} wait for a cold start.",
        command=f"aws lambda list-provisioned-concurrency-configs --function-name {function.function_name}",
        metrics={
            "cold": Metric(**samples, statistic="Sum"),
            "calls": Metric(**samples, statistic="SampleCount"),
        },
        expression=_percentage("cold", "calls", watched),
        threshold=limit,
        period_seconds=FIVE_MINUTES,
        periods=3,
    )


def _account_concurrency(watched: Watched) -> Alarm:
    percent, limit = watched.settings.alarms.account_concurrency_percent, watched.settings.account_concurrency
    return Alarm(
        name="account-concurrency",
        meaning=f"At least {percent:g} % of the account's {limit} concurrent Lambda executions are taken.",
        command="aws lambda get-account-settings --query '[AccountLimit,AccountUsage]'",
        metrics={
            # Includes what is reserved, unlike ConcurrentExecutions ("Monitoring concurrency").
            "claimed": Metric(namespace="AWS/Lambda", name="ClaimedAccountConcurrency", statistic="Maximum")
        },
        expression=f"100*claimed/{limit}",
        comparison="GreaterThanOrEqualToThreshold",
        threshold=percent,
        periods=3,
    )


def _tables(watched: Watched) -> Iterator[Alarm]:
    for role, table_name in watched.persist.table_names.items():
        yield Alarm(
            name=f"{role}-throttles",
            meaning=f"DynamoDB throttles reads or writes of {table_name}; the workflow retries them.",
            command=f"aws dynamodb describe-table --table-name {table_name}",
            metrics={
                "reads": table_metric(table_name, "ReadThrottleEvents"),
                "writes": table_metric(table_name, "WriteThrottleEvents"),
            },
            expression="FILL(reads,0)+FILL(writes,0)",
            threshold=0,
            period_seconds=FIVE_MINUTES,
        )


def _percentage(part: str, whole: str, watched: Watched) -> str:
    """Metric math for `part` in percent of `whole`, 0 while there are too few calls for a percentage."""
    return f"IF({whole}>={watched.settings.alarms.minimum_invocations},100*{part}/{whole},0)"


def _queue_url(queue_name: str) -> str:
    return f"$(aws sqs get-queue-url --queue-name {queue_name} --query QueueUrl --output text)"


def _peek(queue_name: str) -> str:
    return (
        f"aws sqs receive-message --queue-url {_queue_url(queue_name)}"
        " --max-number-of-messages 10 --visibility-timeout 0"
    )
