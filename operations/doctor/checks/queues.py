"""Whether the dead-letter queues are empty and have the longest retention period, and whether uploads are processed."""

from __future__ import annotations

from collections.abc import Iterator

from client.dead_letters.stack_queues import dead_letter_queues, oldest_age_seconds, states
from client.pipeline import Pipeline
from contract.outputs import DeadLetterKind
from operations.doctor.findings import Finding, fail, ok, redeploy, warn

# The longest that SQS keeps a message ("Amazon SQS message quotas").
LONGEST_RETENTION_SECONDS = 14 * 24 * 3600
# A burst may wait for minutes; a message that is an hour old has failed several times.
LONG_WAIT_SECONDS = 3600
# Files that were not processed. The owner of a file handles its rejection, a subscriber its results.
URGENT = (DeadLetterKind.EVENTS, DeadLetterKind.UNDELIVERED)


def dead_letter_queues_are_empty(pipeline: Pipeline) -> Iterator[Finding]:
    """Every dead-letter queue is empty."""
    for queue in states(pipeline):
        depth, age = queue.visible + queue.in_flight, queue.oldest_age_seconds
        if depth == 0:
            yield ok(f"{queue.queue} is empty")
            continue
        say = fail if queue.kind in URGENT else warn
        yield say(
            f"{queue.queue} holds {depth} ({queue.kind})"
            + ("" if age is None else f", the oldest {_duration_text(age)} old"),
            f"see the causes: img-pipeline dlq show {queue.queue} --stack {pipeline.stack}",
        )


def dead_letters_are_retained(pipeline: Pipeline) -> Iterator[Finding]:
    """Dead-letter queues keep messages for fourteen days."""
    for queue in dead_letter_queues(pipeline):
        attributes = pipeline.client("sqs").get_queue_attributes(
            QueueUrl=queue.url, AttributeNames=["MessageRetentionPeriod"]
        )["Attributes"]
        kept_seconds = int(attributes["MessageRetentionPeriod"])
        if kept_seconds < LONGEST_RETENTION_SECONDS:
            yield fail(
                f"{queue.name} keeps messages for {_duration_text(kept_seconds)} only, not 14 days", redeploy(pipeline)
            )
        else:
            yield ok(f"{queue.name} keeps them for 14 days")


def backlog_is_processed(pipeline: Pipeline) -> Iterator[Finding]:
    """No upload waits for long."""
    url = pipeline.outputs.transform_queue_url
    depth, age = pipeline.queue_depth(url), oldest_age_seconds(pipeline, url.rpartition("/")[2])
    if depth and age is not None and age > LONG_WAIT_SECONDS:
        yield warn(
            f"{depth} uploads wait, the oldest for {_duration_text(age)}",
            f"see their jobs: img-pipeline jobs list --stack {pipeline.stack}",
        )
    else:
        yield ok(f"{depth} waiting or in progress")


def _duration_text(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
