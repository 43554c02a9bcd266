"""The way in: stop it while uploads wait in the queue, open it again, see how fast the queue empties, add to it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from client.audit import audited
from client.clock import Clock
from client.errors import ActionFailedError
from client.moving import MoveResult, OutgoingMessage, send_all
from client.pipeline import Pipeline

RUNNING, STOPPED = "RUNNING", "STOPPED"
# A pipe takes a minute or two to change its state on AWS.
CHANGE_TIMEOUT_SECONDS = 300
POLL_SECONDS = 2
# The counts of SQS are approximate ("GetQueueAttributes", Amazon SQS API Reference): a queue is empty when it was found
# so this many times in a row.
EMPTY_LOOKS = 3
LOOKS_FOR_PACE = 13


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What waits for the workflow.

    Attributes:
        pipe: the pipe's state, such as RUNNING or STOPPED.
        waiting: messages that nobody works on yet.
        in_work: messages whose files are being worked on, or that wait for their next try.
        per_second: by how much the backlog shrinks; negative while it grows, None before it is known.
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
        """Until it is empty, at this pace; None if it is not getting smaller."""
        if self.total == 0:
            return 0
        return self.total / self.per_second if self.per_second and self.per_second > 0 else None


def pipe_state(pipeline: Pipeline) -> str:
    """The pipe's state, such as RUNNING, STOPPED or STOPPING."""
    return pipeline.client("pipes").describe_pipe(Name=pipeline.outputs.pipe_name)["CurrentState"]


def pause_ingestion(pipeline: Pipeline, *, timeout_seconds: float = CHANGE_TIMEOUT_SECONDS) -> None:
    """Stop the pipe and wait until it has stopped: files in work are finished, later ones wait in the transform queue.

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
    """The backlog now and after every interval; the pace is that of the last looks, unknown at the first.

    Ends when the backlog is empty or the clock is asked to stop.
    """
    queue = pipeline.queue(pipeline.outputs.transform_queue_url)
    looks: deque[tuple[float, int]] = deque(maxlen=LOOKS_FOR_PACE)
    empty_looks = 0
    while empty_looks < EMPTY_LOOKS and not clock.requested:
        depth = queue.depth()
        looks.append((clock.now(), depth.total))
        elapsed = looks[-1][0] - looks[0][0]
        empty_looks = 0 if depth.total else empty_looks + 1
        yield Backlog(
            pipe=pipe_state(pipeline),
            waiting=depth.visible + depth.delayed,
            in_work=depth.in_flight,
            per_second=(looks[0][1] - depth.total) / elapsed if elapsed else None,
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
    """Send messages to the transform queue, and write that down; `details` say what was chosen.

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
            raise ActionFailedError(f"{pipeline.outputs.pipe_name} is {state}, not {wanted}: look at its log, repeat")
        time.sleep(0.1 if pipeline.local else POLL_SECONDS)
