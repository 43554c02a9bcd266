"""Which dead-letter queues a stack has, and how full they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from client.errors import NotFoundError
from client.pipeline import Pipeline

# CloudWatch has a queue's metrics once a minute, and some minutes late ("Available CloudWatch metrics for Amazon SQS").
METRIC_MINUTES = 15


class Kind(StrEnum):
    """What a dead-letter queue's messages are."""

    EVENTS = "uploads whose retries are used up"
    REJECTIONS = "rejected files"
    UNDELIVERED = "events that EventBridge could not deliver"
    RESULTS = "results that a subscriber did not take"


@dataclass(frozen=True, kw_only=True)
class DeadLetterQueue:
    """One of a stack's dead-letter queues.

    Attributes:
        name: what operators call it, for example "transform" or "results-inspector".
        replays_to: URL of the queue that its messages are sent to when they are replayed.
        is_redriven: whether SQS moved the messages here, so that SQS can move them back.
    """

    name: str
    kind: Kind
    url: str
    replays_to: str
    is_redriven: bool = False


@dataclass(frozen=True, kw_only=True)
class State:
    """How full a dead-letter queue is.

    Attributes:
        oldest_age_seconds: of the oldest message, as CloudWatch knows it; None where it does not.
    """

    queue: str
    kind: Kind
    visible: int
    in_flight: int
    oldest_age_seconds: int | None


def dead_letter_queues(pipeline: Pipeline) -> list[DeadLetterQueue]:
    """Every dead-letter queue of the stack."""
    outputs = pipeline.outputs
    transform = outputs["transformQueueUrl"]
    return [
        DeadLetterQueue(
            name="transform", kind=Kind.EVENTS, url=outputs["transformDlqUrl"], replays_to=transform, is_redriven=True
        ),
        DeadLetterQueue(name="validate", kind=Kind.REJECTIONS, url=outputs["validateDlqUrl"], replays_to=transform),
        DeadLetterQueue(name="delivery", kind=Kind.UNDELIVERED, url=outputs["deliveryDlqUrl"], replays_to=transform),
        *(
            DeadLetterQueue(
                name=f"results-{subscriber}",
                kind=Kind.RESULTS,
                url=url,
                replays_to=outputs["resultsQueueUrls"][subscriber],
                is_redriven=True,
            )
            for subscriber, url in outputs["resultsDlqUrls"].items()
        ),
    ]


def find_queue(pipeline: Pipeline, name: str) -> DeadLetterQueue:
    """A dead-letter queue by its short name or by its name in SQS.

    Raises:
        NotFoundError: there is none of that name.
    """
    queues = dead_letter_queues(pipeline)
    for queue in queues:
        if name in (queue.name, f"{queue.name}-dlq", queue.url.rsplit("/", 1)[-1]):
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
