"""Wraps a function's work in a Lambda handler that measures it, classifies its failures and writes one log line."""

from __future__ import annotations

import functools
import os
import time
import warnings
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from contract.metrics import NAMESPACE_VARIABLE, Metric
from functions.shared.answers import Answer
from functions.shared.errors import PipelineError

Payload = dict[str, Any]


@functools.cache
def logger() -> Logger:
    """The function's logger: one JSON object for each line."""
    return Logger(utc=True, use_rfc3339=True, serialize_stacktrace=False, location=None)


@functools.cache
def _metrics() -> Metrics:
    return Metrics()


class _Environment:
    """Whether this execution environment has handled an invocation yet."""

    cold = True

    @classmethod
    def is_first_invocation(cls) -> bool:
        cold, cls.cold = cls.cold, False
        return cold


def trace_id() -> str:
    """The X-Ray trace id of this invocation, "" if tracing is off."""
    for part in os.environ.get("_X_AMZN_TRACE_ID", "").split(";"):
        if part.startswith("Root="):
            return part.removeprefix("Root=")
    return ""


def lambda_handler(failure: type[PipelineError]) -> Callable[[Callable[[Payload], Answer]], Callable[..., Payload]]:
    """Make a Lambda handler of a function's work.

    Every invocation writes one log line {level, traceId, executionName, fileKey, durationMs, outcome, coldStart} and
    the metrics Duration and ColdStart (1 or 0, so that its average is the share of cold starts) by service, if the
    environment names their namespace.

    Args:
        failure: the class that an exception which is not a `PipelineError` is raised as; its name is the error code
            that the workflow records.
    """

    def decorate(work: Callable[[Payload], Answer]) -> Callable[..., Payload]:
        @functools.wraps(work)
        def handler(event: Payload, context: object) -> Payload:  # noqa: ARG001 - Lambda passes it
            started = time.perf_counter()
            file = event.get("file", event)
            try:
                answer = _named(work, event, failure)
            except PipelineError as error:
                _tell(file, started, type(error).__name__, failed=True)
                raise
            duration_ms = _tell(file, started, answer.outcome)
            return {**answer.payload(), "durationMs": duration_ms}

        return handler

    return decorate


def _named(work: Callable[[Payload], Answer], event: Payload, failure: type[PipelineError]) -> Answer:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders' warnings about untrusted files are not logged
            return work(event)
    except PipelineError:
        raise
    except Exception as error:
        raise failure(
            f"{type(error).__name__}: {error}. The file is kept; the log line with this error has the stack trace."
        ) from error


def _tell(file: Payload, started: float, outcome: str, *, failed: bool = False) -> int:
    about = {"executionName": file.get("executionName", ""), "fileKey": file.get("fileKey", ""), "outcome": outcome}
    return record(about, started, failed=failed)


def record(about: Payload, started: float, *, failed: bool = False) -> int:
    """Write an invocation's log line, and its metrics if the environment names their namespace.

    Args:
        about: what the line says beside traceId, durationMs and coldStart.
        started: when it began, of `time.perf_counter`.
        failed: whether the exception that is being handled is logged too.

    Returns:
        The milliseconds it took.
    """
    duration_ms = round(1000 * (time.perf_counter() - started))
    cold = _Environment.is_first_invocation()
    line = {"traceId": trace_id(), **about, "durationMs": duration_ms, "coldStart": int(cold)}
    if failed:
        logger().exception("failed", extra=line)
    else:
        logger().info("done", extra=line)
    if os.environ.get(NAMESPACE_VARIABLE):
        _publish(duration_ms, cold=cold)
    return duration_ms


def _publish(duration_ms: int, *, cold: bool) -> None:
    metrics = _metrics()
    metrics.add_metric(name=Metric.DURATION, unit=MetricUnit.Milliseconds, value=duration_ms)
    metrics.add_metric(name=Metric.COLD_START, unit=MetricUnit.Count, value=int(cold))
    metrics.flush_metrics()
