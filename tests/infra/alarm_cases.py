"""Cases for every alarm, in AWS's metric names and dimensions: observations that raise it and some that do not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from policies.recording import ACCOUNT_ID, REGION

MINUTE = 60
FIVE_MINUTES = 300

Observed = Mapping["Source", Sequence[float]]
"""The single values that a service reports for each metric within one period; no entry where it reports none."""


@dataclass(frozen=True)
class Source:
    """A metric as AWS publishes it."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """An alarm, by the part of its name after img-pipeline-{stack}-.

    Each of `bad` raises it when observed in `periods` periods of `period_seconds` running; none of `good` ever does.
    Thresholds are the defaults of Pulumi.yaml: `bad` lies just beyond them, `good` just within.
    """

    alarm: str
    period_seconds: int
    periods: int
    bad: Sequence[Observed]
    good: Sequence[Observed]


def cases(stack: str, subscribers: Sequence[str], *, has_authorizer: bool, has_webhooks: bool) -> list[Case]:
    """One case for each alarm that a stack with the default settings must have.

    Args:
        stack: its name.
        subscribers: the names of its results' subscribers.
        has_authorizer: whether its API asks for tokens.
        has_webhooks: whether it delivers results to webhooks.
    """
    names = f"img-pipeline-{stack}-"
    return [
        *_dead_letter_queues(names, subscribers),
        *_queue_and_rule(names),
        *_pipe(names),
        *_workflow(names),
        *(
            case
            for function in (
                "validate",
                "erase",
                "thumbnail",
                "watermark",
                "metadata",
                "table",
                "api",
                "operator",
                "replay",
            )
            for case in _function(stack, function)
        ),
        _account_concurrency(),
        *_tables(names, "assets", "jobs", "denylist"),
        *_api(names),
        *([_calls_refused(stack)] if has_authorizer else []),
        *(_webhooks(stack) if has_webhooks else ()),
        *order_cases(stack),
    ]


def order_cases(stack: str) -> list[Case]:
    """One case for each alarm that a stack has only if it takes orders."""
    names = f"img-pipeline-{stack}-"
    given_up = _source("AWS/Lambda", FunctionName=f"{names}failed_order")("Invocations")
    age = _source("AWS/SQS", QueueName=f"{names}order-queue")("ApproximateAgeOfOldestMessage")
    return [
        _dead_letters(names, "order-dlq"),
        Case(
            alarm="orders-given-up",
            period_seconds=FIVE_MINUTES,
            periods=1,
            bad=[{given_up: [1]}],
            good=[{given_up: [0]}],
        ),
        Case(
            alarm="order-queue-oldest-message",
            period_seconds=MINUTE,
            periods=3,
            bad=[{age: [1, 1801]}],
            good=[{age: [1799, 1800]}],
        ),
        *_executions(_machine(names, "order-state-machine"), "order-workflow"),
        *(case for function in ("fulfil", "failed_order") for case in _function(stack, function)),
        *_tables(names, "orders", "failed-orders"),
    ]


def essential_alarms(subscribers: Sequence[str]) -> set[str]:
    """The alarms that every stack has, where it has what they watch: those on what is lost or does not move on."""
    queues = ("transform", "delivery", "order", "webhooks", *(f"results-{name}" for name in subscribers))
    return {
        *(f"{queue}-dlq-depth" for queue in queues),
        "rule-delivery-failures",
        "oldest-message-age",
        "order-queue-oldest-message",
        "webhooks-stopped",
    }


def _source(namespace: str, **dimensions: str) -> Callable[[str], Source]:
    return lambda name: Source(namespace, name, frozenset(dimensions.items()))


def _dead_letter_queues(names: str, subscribers: Sequence[str]) -> Iterator[Case]:
    for queue in ("transform-dlq", "validate-dlq", "delivery-dlq", *(f"results-{name}-dlq" for name in subscribers)):
        yield _dead_letters(names, queue)


def _dead_letters(names: str, queue: str) -> Case:
    visible = _source("AWS/SQS", QueueName=names + queue)("ApproximateNumberOfMessagesVisible")
    return Case(
        alarm=f"{queue}-depth",
        period_seconds=MINUTE,
        periods=1,
        bad=[{visible: [0, 1]}],
        good=[{visible: [0, 0]}],
    )


def _queue_and_rule(names: str) -> Iterator[Case]:
    age = _source("AWS/SQS", QueueName=f"{names}transform-queue")("ApproximateAgeOfOldestMessage")
    yield Case(
        alarm="oldest-message-age",
        period_seconds=MINUTE,
        periods=3,
        bad=[{age: [1, 1801]}],
        good=[{age: [1799, 1800]}],
    )
    rule = _source("AWS/Events", RuleName=f"{names}object-created")
    failures = [rule(name) for name in ("FailedInvocations", "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq")]
    yield Case(
        alarm="rule-delivery-failures",
        period_seconds=MINUTE,
        periods=1,
        bad=[{failure: [1]} for failure in failures],
        good=[{failure: [0] for failure in failures}, {rule("Invocations"): [1] * 100}],
    )


def _pipe(names: str) -> Iterator[Case]:
    pipe = _source("AWS/EventBridge/Pipes", PipeName=f"{names}pipe")
    failed, timed_out, started = pipe("ExecutionFailed"), pipe("ExecutionTimeout"), pipe("Invocations")
    yield Case(
        alarm="pipe-failures",
        period_seconds=FIVE_MINUTES,
        periods=1,
        bad=[{failed: [1] * 6}, {timed_out: [1] * 6}, {failed: [1] * 5, timed_out: [1]}],
        good=[{failed: [1] * 5}, {failed: [1] * 3, timed_out: [1] * 2}],
    )
    yield Case(
        alarm="pipe-throttles",
        period_seconds=FIVE_MINUTES,
        periods=1,
        bad=[{pipe("ExecutionThrottled"): [1]}],
        good=[{pipe("ExecutionThrottled"): [0], started: [1]}],
    )
    yield _not_consumed("pipe-stopped", f"{names}transform-queue", started)


def _not_consumed(alarm: str, queue: str, invocations: Source) -> Case:
    visible = _source("AWS/SQS", QueueName=queue)("ApproximateNumberOfMessagesVisible")
    return Case(
        alarm=alarm,
        period_seconds=MINUTE,
        periods=5,
        bad=[{visible: [0, 1]}, {visible: [1], invocations: [0]}],
        good=[
            {visible: [1], invocations: [1]},
            {visible: [0]},
            {visible: [0], invocations: [1]},
            {invocations: [0]},
        ],
    )


def _machine(names: str, machine: str) -> Callable[[str], Source]:
    return _source("AWS/States", StateMachineArn=f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{names}{machine}")


def _executions(workflow: Callable[[str], Source], role: str) -> Iterator[Case]:
    yield Case(
        alarm=f"{role}-failed",
        period_seconds=FIVE_MINUTES,
        periods=1,
        bad=[{workflow("ExecutionsFailed"): [1] * 6}],
        good=[{workflow("ExecutionsFailed"): [1] * 5, workflow("ExecutionsSucceeded"): [1] * 50}],
    )
    for alarm, metric in ((f"{role}-timed-out", "ExecutionsTimedOut"), (f"{role}-throttled", "ExecutionThrottled")):
        yield Case(
            alarm=alarm,
            period_seconds=FIVE_MINUTES,
            periods=1,
            bad=[{workflow(metric): [1]}],
            good=[{workflow(metric): [0], workflow("ExecutionsSucceeded"): [1]}],
        )


def _workflow(names: str) -> Iterator[Case]:
    workflow = _machine(names, "state-machine")
    yield from _executions(workflow, "workflow")
    time_ms = workflow("ExecutionTime")
    yield Case(
        alarm="workflow-p99-time",
        period_seconds=FIVE_MINUTES,
        periods=1,
        bad=[{time_ms: [1_000] * 97 + [45_001] * 3}],
        good=[{time_ms: [1_000] * 199 + [90_000]}, {time_ms: [45_000] * 100}],
    )


def _function(stack: str, function: str) -> Iterator[Case]:
    aws = _source("AWS/Lambda", FunctionName=f"img-pipeline-{stack}-{function}")
    errors, calls = aws("Errors"), aws("Invocations")
    yield Case(
        alarm=f"{function}-errors",
        period_seconds=FIVE_MINUTES,
        periods=1,
        bad=[{errors: [1] * 2 + [0] * 98, calls: [1] * 100}, {errors: [1] * 20, calls: [1] * 20}],
        good=[{errors: [1] + [0] * 99, calls: [1] * 100}, {errors: [1] * 19, calls: [1] * 19}],
    )
    # Our functions report 1 for a cold start and 0 for another call.
    cold = _source(f"img-pipeline/{stack}", service=function)("ColdStart")
    yield Case(
        alarm=f"{function}-cold-starts",
        period_seconds=FIVE_MINUTES,
        periods=3,
        bad=[{cold: [1] * 21 + [0] * 79}, {cold: [1] * 20}],
        good=[{cold: [1] * 20 + [0] * 80}, {cold: [1] * 19}],
    )


def _account_concurrency() -> Case:
    claimed = _source("AWS/Lambda")("ClaimedAccountConcurrency")
    return Case(
        alarm="account-concurrency",
        period_seconds=MINUTE,
        periods=3,
        bad=[{claimed: [1, 800]}],
        good=[{claimed: [799, 799]}],
    )


def _tables(names: str, *tables: str) -> Iterator[Case]:
    for table in tables:
        source = _source("AWS/DynamoDB", TableName=names + table)
        reads, writes = source("ReadThrottleEvents"), source("WriteThrottleEvents")
        yield Case(
            alarm=f"{table}-throttles",
            period_seconds=FIVE_MINUTES,
            periods=1,
            bad=[{reads: [1]}, {writes: [1]}],
            good=[{reads: [0], writes: [0]}],
        )


def _api(names: str) -> Iterator[Case]:
    # In these recordings an API's id is its name.
    api = _source("AWS/ApiGateway", ApiId=f"{names}api")
    calls, client_errors, server_errors, latency_ms = api("Count"), api("4xx"), api("5xx"), api("Latency")
    yield Case(
        alarm="api-server-errors",
        period_seconds=FIVE_MINUTES,
        periods=1,
        bad=[{server_errors: [1] * 2, calls: [1] * 100}],
        good=[{server_errors: [1], calls: [1] * 100}, {server_errors: [1] * 19, calls: [1] * 19}],
    )
    yield Case(
        alarm="api-client-errors",
        period_seconds=FIVE_MINUTES,
        periods=1,
        bad=[{client_errors: [1] * 51, calls: [1] * 100}],
        good=[{client_errors: [1] * 50, calls: [1] * 100}, {client_errors: [1] * 99, calls: [1] * 99}],
    )
    yield Case(
        alarm="api-p99-latency",
        period_seconds=FIVE_MINUTES,
        periods=3,
        bad=[{latency_ms: [100] * 97 + [3_001] * 3, calls: [1] * 100}],
        good=[
            {latency_ms: [100] * 199 + [9_000], calls: [1] * 200},
            {latency_ms: [3_000] * 100, calls: [1] * 100},
            {latency_ms: [9_000] * 19, calls: [1] * 19},
        ],
    )


def _calls_refused(stack: str) -> Case:
    refused = _source(f"img-pipeline/{stack}")("ApiCallsRefused")
    return Case(
        alarm="api-calls-refused",
        period_seconds=FIVE_MINUTES,
        periods=1,
        bad=[{refused: [1] * 101}],
        good=[{refused: [1] * 100}],
    )


def _webhooks(stack: str) -> Iterator[Case]:
    names = f"img-pipeline-{stack}-"
    yield _dead_letters(names, "webhooks-dlq")
    invocations = _source("AWS/Lambda", FunctionName=f"{names}webhook")("Invocations")
    yield _not_consumed("webhooks-stopped", f"{names}webhooks", invocations)
    yield from _function(stack, "webhook")
