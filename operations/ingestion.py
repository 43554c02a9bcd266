"""The way in: stop it while uploads wait in the queue, open it again, see how fast the queue empties, add to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from operations.audit import audited
from operations.connection import Connection, LocalOption, StackOption, connect
from operations.errors import OperationError
from operations.interruption import Interruption
from operations.queues import SqsQueue
from operations.replay import Clock, Copy, Tally, send_all
from operations.terminal import JsonOption, YesOption, console, duration, print_json, say_only

RUNNING, STOPPED = "RUNNING", "STOPPED"
# A pipe takes a minute or two to change its state on AWS.
CHANGE_TIMEOUT_SECONDS = 300
POLL_SECONDS = 2
# The counts of SQS are approximate ("GetQueueAttributes", Amazon SQS API Reference): a queue is empty when it was found
# so this many times in a row.
EMPTY_LOOKS = 3


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


def pipe_state(connection: Connection) -> str:
    """The pipe's state, such as RUNNING, STOPPED or STOPPING."""
    return connection.client("pipes").describe_pipe(Name=connection.outputs["pipeName"])["CurrentState"]


def pause_ingestion(connection: Connection, *, timeout_seconds: float = CHANGE_TIMEOUT_SECONDS) -> None:
    """Stop the pipe and wait until it has stopped: files in work are finished, later ones wait in the transform queue.

    Raises:
        OperationError: it did not stop in time.
    """
    with audited(connection, "pause", pipe=connection.outputs["pipeName"]):
        connection.client("pipes").stop_pipe(Name=connection.outputs["pipeName"])
        _await_state(connection, STOPPED, timeout_seconds)


def resume_ingestion(connection: Connection, *, timeout_seconds: float = CHANGE_TIMEOUT_SECONDS) -> None:
    """Start the pipe and wait until it runs.

    Raises:
        OperationError: it did not start in time.
    """
    with audited(connection, "resume", pipe=connection.outputs["pipeName"]):
        connection.client("pipes").start_pipe(Name=connection.outputs["pipeName"])
        _await_state(connection, RUNNING, timeout_seconds)


def watch_backlog(connection: Connection, *, clock: Clock, interval_seconds: float) -> Iterator[Backlog]:
    """The backlog now and after every interval; the pace is that since the first look.

    Ends when the backlog is empty or the clock is asked to stop.
    """
    queue = SqsQueue(connection.client("sqs"), connection.outputs["transformQueueUrl"])
    started, first = clock.now(), None
    empty_looks = 0
    while empty_looks < EMPTY_LOOKS and not clock.requested:
        depth = queue.depth()
        elapsed = clock.now() - started
        first = depth.total if first is None else first
        empty_looks = 0 if depth.total else empty_looks + 1
        yield Backlog(
            pipe=pipe_state(connection),
            waiting=depth.visible + depth.delayed,
            in_work=depth.in_flight,
            per_second=(first - depth.total) / elapsed if elapsed else None,
        )
        clock.sleep(interval_seconds)


def enqueue(
    connection: Connection,
    action: str,
    copies: Iterable[Copy],
    *,
    rate: int,
    interruption: Interruption,
    on_progress: Callable[[Tally], None] = lambda _: None,
    **details: Any,
) -> Tally:
    """Send messages to the transform queue, and write that down; `details` say what was chosen.

    Args:
        rate: the most messages sent within any second.
    """
    queue = SqsQueue(connection.client("sqs"), connection.outputs["transformQueueUrl"])
    with audited(connection, action, queue=queue.name, rate=rate, **details) as performed:

        def note(tally: Tally) -> None:
            performed.counts = asdict(tally)
            on_progress(tally)

        tally = send_all(copies, queue, rate=rate, clock=interruption, on_progress=note)
        note(tally)
        performed.interrupted = tally.interrupted
    return tally


def pause(*, stack: StackOption = "dev", local: LocalOption = False, yes: YesOption = False) -> None:
    """Stop working on uploads; they wait in the transform queue, for up to four days.

    Example: `img-pipeline pause --stack prod --yes`
    """
    connection = connect(stack, local=local)
    name = connection.outputs["pipeName"]
    if not yes:
        return say_only(f"pause would stop {name}, which is {pipe_state(connection)}")
    with console.status(f"stopping {name}"):
        pause_ingestion(connection)
    return console.print(f"{name} has stopped; uploads wait in the queue until `img-pipeline resume`")


def resume(*, stack: StackOption = "dev", local: LocalOption = False, yes: YesOption = False) -> None:
    """Work on uploads again.

    Example: `img-pipeline resume --stack prod --yes`
    """
    connection = connect(stack, local=local)
    name = connection.outputs["pipeName"]
    if not yes:
        return say_only(f"resume would start {name}, which is {pipe_state(connection)}")
    with console.status(f"starting {name}"):
        resume_ingestion(connection)
    return console.print(f"{name} runs; `img-pipeline drain` shows what waits")


def drain(
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until nothing waits any more.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 5,
    stack: StackOption = "dev",
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """How many uploads wait or are in work, at what pace they get fewer, and how long that will take.

    Example: `img-pipeline drain --wait --stack prod`
    """
    connection = connect(stack, local=local)
    backlog = None
    with Interruption() as interruption, console.status("looking at the transform queue") as status:
        for looks, backlog in enumerate(
            watch_backlog(connection, clock=interruption, interval_seconds=interval), start=1
        ):
            status.update(_sentence(backlog))
            if wait and backlog.pipe == STOPPED and backlog.total:
                raise OperationError(f"{backlog.total} wait and the pipe is stopped: `img-pipeline resume` starts it")
            if not wait and (looks > 1 or not backlog.total):
                break
    if backlog is None:
        raise typer.Exit(1)
    if as_json:
        print_json({**asdict(backlog), "seconds_left": backlog.seconds_left})
    else:
        console.print(_sentence(backlog), highlight=False)
    if wait and backlog.total:
        raise typer.Exit(1)


def _sentence(backlog: Backlog) -> str:
    counts = f"pipe {backlog.pipe}: {backlog.waiting} waiting, {backlog.in_work} in work"
    if not backlog.total:
        return f"{counts}; drained"
    if backlog.per_second is None:
        return counts
    if backlog.seconds_left is None:
        return f"{counts}; not getting fewer ({-backlog.per_second:+.1f} a second)"
    return f"{counts}; {backlog.per_second:.1f} a second, empty in about {duration(backlog.seconds_left)}"


def _await_state(connection: Connection, wanted: str, timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while (state := pipe_state(connection)) != wanted:
        if state.endswith("_FAILED") or time.monotonic() > deadline:
            raise OperationError(f"{connection.outputs['pipeName']} is {state}, not {wanted}: look at its log, repeat")
        time.sleep(0.1 if connection.local else POLL_SECONDS)
