"""Whether the dead-letter queues are empty, and keep what comes for as long as SQS can."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from operations.connection import Connection
from operations.diagnosis import Finding, dead_letter_queue_urls, fail, ok, output, redeploy, warn

# The longest that SQS keeps a message ("Amazon SQS message quotas").
LONGEST_RETENTION_SECONDS = 14 * 24 * 3600

# Files that were never worked on, or never to an end. A rejected file is its owner's affair, a result its subscriber's.
_URGENT = ("transform-dlq", "delivery-dlq")


def dead_letters_are_empty(stack: Connection) -> Iterator[Finding]:
    """Nothing waits in a dead-letter queue."""
    for role, url in dead_letter_queue_urls(stack).items():
        depth = stack.pipeline.queue_depth(url)
        if depth == 0:
            yield ok(f"{role} is empty")
            continue
        say = fail if role in _URGENT else warn
        yield say(
            f"{role} holds {depth} message{'s' if depth > 1 else ''}{_age(stack, url)}",
            f"see the causes: img-pipeline dlq show {role} --stack {stack.stack}",
        )


def dead_letters_are_kept(stack: Connection) -> Iterator[Finding]:
    """Dead-letter queues keep messages for fourteen days."""
    for role, url in dead_letter_queue_urls(stack).items():
        attributes = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["MessageRetentionPeriod"])[
            "Attributes"
        ]
        kept_seconds = int(attributes["MessageRetentionPeriod"])
        if kept_seconds < LONGEST_RETENTION_SECONDS:
            yield fail(f"{role} keeps messages for {kept_seconds / 86400:g} days only, not 14", redeploy(stack))
    yield ok("14 days")


def backlog_is_worked_on(stack: Connection) -> Iterator[Finding]:
    """Uploads do not wait for long."""
    url = output(stack, "transformQueueUrl")
    depth, age_seconds = stack.pipeline.queue_depth(url), oldest_message_seconds(stack, url)
    # AGE: a burst may wait for minutes; what waits for an hour has outlived several tries.
    if depth and age_seconds and age_seconds > 3600:
        yield warn(
            f"{depth} uploads wait, the oldest for {_spoken(age_seconds)}",
            f"see what becomes of them: img-pipeline jobs list --stack {stack.stack}",
        )
    else:
        yield ok(f"{depth} waiting or being worked on")


def oldest_message_seconds(stack: Connection, queue_url: str) -> float | None:
    """Age of a queue's oldest message as CloudWatch knew it last; None if it has said nothing for a quarter hour."""
    now = datetime.now(UTC)
    points = stack.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": queue_url.rpartition("/")[2]}],
        StartTime=now - timedelta(minutes=15),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return max(points, key=lambda point: point["Timestamp"])["Maximum"] if points else None


def _age(stack: Connection, url: str) -> str:
    seconds = oldest_message_seconds(stack, url)
    return "" if seconds is None else f", the oldest {_spoken(seconds)} old"


def _spoken(seconds: float) -> str:
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (size < 86400 and seconds >= size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
