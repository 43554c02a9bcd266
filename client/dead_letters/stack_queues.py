"""Which dead-letter queues a stack has, and how full they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from client.errors import NotFoundError
from client.pipeline import Pipeline
from contract.outputs import DeadLetterKind, DeadLetterOutput

# CloudWatch has a queue's metrics once a minute, and some minutes late ("Available CloudWatch metrics for Amazon SQS").
METRIC_MINUTES = 15


DeadLetterQueue = DeadLetterOutput[str]
"""One of a stack's dead-letter queues."""


@dataclass(frozen=True, kw_only=True)
class State:
    """How full a dead-letter queue is.

    Attributes:
        oldest_age_seconds: of the oldest message, as CloudWatch knows it; None where it does not.
    """

    queue: str
    kind: DeadLetterKind
    visible: int
    in_flight: int
    oldest_age_seconds: int | None


def dead_letter_queues(pipeline: Pipeline) -> Sequence[DeadLetterQueue]:
    """Every dead-letter queue of the stack."""
    return pipeline.outputs.dead_letter_queues


def find_queue(pipeline: Pipeline, name: str) -> DeadLetterQueue:
    """A dead-letter queue by its short name or by its name in SQS.

    Raises:
        NotFoundError: there is none of that name.
    """
    queues = dead_letter_queues(pipeline)
    for queue in queues:
        if name in (queue.name, queue.role, queue.url.rsplit("/", 1)[-1]):
            return queue
    raise NotFoundError(f"no dead-letter queue is called {name}: there are {', '.join(each.name for each in queues)}")


def states(pipeline: Pipeline) -> list[State]:
    """How full each dead-letter queue is."""
    return [_state(pipeline, queue) for queue in dead_letter_queues(pipeline)]


def _state(pipeline: Pipeline, queue: DeadLetterQueue) -> State:
    sqs_queue = pipeline.queue(queue.url)
    depth = sqs_queue.depth()
    return State(
        queue=queue.name,
        kind=queue.kind,
        visible=depth.visible,
        in_flight=depth.in_flight,
        oldest_age_seconds=oldest_age_seconds(pipeline, sqs_queue.name) if depth.total else None,
    )


def oldest_age_seconds(pipeline: Pipeline, queue_name: str) -> int | None:
    """Age of a queue's oldest message as CloudWatch knew it last; None where it knows nothing."""
    now = datetime.now(UTC)
    points = pipeline.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": queue_name}],
        StartTime=now - timedelta(minutes=METRIC_MINUTES),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return int(max(points, key=lambda point: point["Timestamp"])["Maximum"]) if points else None
