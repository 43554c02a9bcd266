"""SNS, SQS and EventBridge: failing, duplicate, out of order, late, and with clocks that disagree."""

from __future__ import annotations

from localcloud.faults import Effect, PlannedFault, Point
from storm.faults.fault import Fault, PlanFault

_TRANSFORM = ".*-transform-queue$"


def _fault(name: str, point: str, where: Point, effect: Effect, subject: str, **values: int | float | str) -> Fault:
    planned = PlannedFault(
        point=where, effect=effect, subject=subject, values=values, times=2 * PlanFault.MOST, probability=0.5
    )
    return PlanFault(name=name, point=point, planned=(planned,), hold_seconds=2)


def sns_failing() -> Fault:
    """Publishing fails with an error that is not retried, so that the message comes back."""
    return _fault(
        "SNS failing", "Publish of the workflow", Point.TASK, Effect.FAIL, "sns:publish", error="SNS.SnsException"
    )


def sns_answer_lost() -> Fault:
    """The message is published, and the workflow is told that it failed."""
    return _fault(
        "SNS publication whose answer is lost",
        "Publish of the workflow",
        Point.TASK,
        Effect.LOSE,
        "sns:publish",
        error="SNS.SnsException",
    )


def sns_duplicate() -> Fault:
    """The subscriber gets a notification twice."""
    return _fault("SNS duplicate", "delivery to the subscriber", Point.DELIVERY, Effect.REPEAT, ".*-results-.*")


def sqs_duplicate() -> Fault:
    """A message that was processed and deleted is delivered again."""
    return _fault(
        "SQS duplicate",
        "DeleteMessage on the transform and order queues",
        Point.DELETION,
        Effect.LOSE,
        ".*-(transform|order)-queue$",
    )


def sqs_reordered() -> Fault:
    """Messages are received in another order than they were sent in."""
    return _fault("SQS reordering", "receives from the transform queue", Point.RECEIPT, Effect.SHUFFLE, _TRANSFORM)


def sqs_late() -> Fault:
    """Some events become visible seconds after later ones."""
    return _fault(
        "SQS late delivery",
        "messages of the transform queue, 6 s late",
        Point.DELIVERY,
        Effect.DELAY,
        _TRANSFORM,
        seconds=6,
    )


def eventbridge_duplicate() -> Fault:
    """A rule delivers an event twice, as two messages."""
    return _fault("EventBridge duplicate", "the rule's delivery", Point.DELIVERY, Effect.REPEAT, _TRANSFORM)


def clock_skew() -> Fault:
    """The times in some events are an hour behind those of others."""
    return _fault(
        "clock skew between events",
        "the time in events, an hour back",
        Point.DELIVERY,
        Effect.SKEW,
        _TRANSFORM,
        seconds=-3600,
    )
