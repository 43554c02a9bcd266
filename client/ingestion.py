"""Stops and starts the processing of uploads, reads the backlog of the transform queue, and sends messages to it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from client.audit import audited
from client.errors import ActionFailedError
from client.pipeline import Pipeline
from contract.clock import Clock
from contract.moving import MoveResult, OutgoingMessage, send_all

RUNNING, STOPPED = "RUNNING", "STOPPED"
# A pipe takes a minute or two to change its state on AWS.
CHANGE_TIMEOUT_SECONDS = 300
POLL_SECONDS = 2
# The counts of SQS are approximate ("GetQueueAttributes", Amazon SQS API Reference): a queue counts as empty after
# this many empty readings in a row.
EMPTY_READINGS = 3
READINGS_FOR_RATE = 13


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Uploads that are waiting or in progress.

    Attributes:
        pipe: the pipe's state, such as RUNNING or STOPPED.
        waiting: messages that are not being processed yet.
        in_work: messages in flight: being processed, or waiting for the next attempt.
        per_second: how fast the backlog decreases; negative if it grows, None if not known yet.
    """

    pipe: str
    waiting: int
    in_work: int
    per_second: float | None

    @property
    def total(self) -> int:
        """All messages."""
        return self.waiting + self.in_work

    @property
    def seconds_left(self) -> float | None:
        """Until it is empty, at this rate; None if it does not decrease."""
        if self.total == 0:
            return 0
        return self.total / self.per_second if self.per_second and self.per_second > 0 else None


def pipe_state(pipeline: Pipeline) -> str:
    """The pipe's state, such as RUNNING, STOPPED or STOPPING."""
    return pipeline.client("pipes").describe_pipe(Name=pipeline.outputs.pipe_name)["CurrentState"]


def pause_ingestion(pipeline: Pipeline, *, timeout_seconds: float = CHANGE_TIMEOUT_SECONDS) -> None:
    """Stop the pipe and wait until it has stopped. Files in progress are finished; later ones wait in the queue.

    Raises:
        ActionFailedError: it did not stop in time.
    """
    with audited(pipeline, "pause", pipe=pipeline.outputs.pipe_name):
        pipeline.client("pipes").stop_pipe(Name=pipeline.outputs.pipe_name)
        _await_state(pipeline, STOPPED, timeout_seconds)


def resume_ingestion(pipeline: Pipeline, *, timeout_seconds: float = CHANGE_TIMEOUT_SECONDS) -> None:
    """Start the pipe and wait until it runs.

    Raises:
        ActionFailedError: it did not start in time.
    """
    with audited(pipeline, "resume", pipe=pipeline.outputs.pipe_name):
        pipeline.client("pipes").start_pipe(Name=pipeline.outputs.pipe_name)
        _await_state(pipeline, RUNNING, timeout_seconds)


def watch_backlog(pipeline: Pipeline, *, clock: Clock, interval_seconds: float) -> Iterator[Backlog]:
    """The backlog now and after every interval; the rate is that of the last readings, unknown at the first.

    Ends when the backlog is empty or a stop is requested.
    """
    queue = pipeline.queue(pipeline.outputs.transform_queue_url)
    readings: deque[tuple[float, int]] = deque(maxlen=READINGS_FOR_RATE)
    empty_readings = 0
    while empty_readings < EMPTY_READINGS and not clock.requested:
        depth = queue.depth()
        readings.append((clock.now(), depth.total))
        elapsed = readings[-1][0] - readings[0][0]
        empty_readings = 0 if depth.total else empty_readings + 1
        yield Backlog(
            pipe=pipe_state(pipeline),
            waiting=depth.visible + depth.delayed,
            in_work=depth.in_flight,
            per_second=(readings[0][1] - depth.total) / elapsed if elapsed else None,
        )
        clock.sleep(interval_seconds)


def enqueue(
    pipeline: Pipeline,
    action: str,
    copies: Iterable[OutgoingMessage],
    *,
    rate: int,
    clock: Clock,
    on_progress: Callable[[MoveResult], None] = lambda _: None,
    **details: Any,
) -> MoveResult:
    """Send messages to the transform queue, and write an audit line; `details` describe the selection.

    Args:
        rate: the most messages sent within any second.
    """
    queue = pipeline.queue(pipeline.outputs.transform_queue_url)
    with audited(pipeline, action, queue=queue.name, rate=rate, **details) as performed:

        def note(result: MoveResult) -> None:
            performed.counts = asdict(result)
            on_progress(result)

        result = send_all(copies, queue, rate=rate, clock=clock, on_progress=note)
        note(result)
        performed.interrupted = result.interrupted
    return result


def _await_state(pipeline: Pipeline, wanted: str, timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while (state := pipe_state(pipeline)) != wanted:
        if state.endswith("_FAILED") or time.monotonic() > deadline:
            raise ActionFailedError(
                f"{pipeline.outputs.pipe_name} is {state}, not {wanted}: check its log, then run the command again"
            )
        time.sleep(0.1 if pipeline.local else POLL_SECONDS)
