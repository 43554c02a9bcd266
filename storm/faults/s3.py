"""S3 that is slow, unavailable, cuts connections, or does what it is asked without its answer arriving."""

from __future__ import annotations

from localcloud.faults import Effect, PlannedFault, Point
from storm.faults.fault import Fault, PlanFault


def _fault(name: str, point: str, effect: Effect, subject: str, **values: int | float | str) -> Fault:
    planned = PlannedFault(
        point=Point.REQUEST, effect=effect, subject=subject, values=values, times=PlanFault.MOST, probability=0.7
    )
    return PlanFault(name=name, point=point, planned=(planned,), hold_seconds=3)


def slow() -> Fault:
    """Functions wait for every answer."""
    return _fault("S3 slow", "answers to functions, 1.5 s late", Effect.DELAY, "role s3 ", seconds=1.5)


def unavailable() -> Fault:
    """Functions are refused with SlowDown."""
    return _fault("S3 503", "requests of functions", Effect.REFUSE, "role s3 ", status=503, code="SlowDown")


def reset_in_body() -> Fault:
    """The connection ends within the body of an upload that a function reads."""
    return _fault(
        "S3 connection reset within a body",
        "GetObject of functions, after 200 bytes",
        Effect.CUT,
        "role s3 GET .*uploads",
        bytes=200,
    )


def rendition_answer_lost() -> Fault:
    """A rendition is stored, and the function does not learn it."""
    return _fault("S3 put of a rendition whose answer is lost", "PutObject of functions", Effect.LOSE, "role s3 PUT ")


def upload_answer_lost() -> Fault:
    """An upload is stored, and the client does not learn it: it tries again, which makes another version."""
    return _fault("S3 upload whose answer is lost", "PutObject of clients", Effect.LOSE, "root s3 PUT .*uploads")
