"""Moves dead letters back to the queue where they failed, as long as one call may take."""

from __future__ import annotations

from dataclasses import asdict

from contract.clock import Deadline
from contract.dead_letters.replaying import Replay
from contract.dead_letters.sampling import read_sample
from contract.events import new_run
from contract.moving import MoveResult, move
from contract.outputs import DeadLetterOutput
from contract.queues import SqsQueue
from functions.http_api.callers import Caller
from functions.http_api.operators import explained
from functions.replay.audit import audited
from functions.replay.models import Replayed
from functions.replay.scans import with_latest_scan
from functions.shared.aws import client

MAX_READ = 1_000
"""Messages that a dry run reads, or that a replay reads and leaves."""

# What is replayed must not overload what has just recovered: that of `img-pipeline dlq replay`.
_MESSAGES_PER_SECOND = 50
_WORKING_SECONDS = 12
# As long as the function may run: should it be ended, others see the messages again then.
_HIDDEN_SECONDS = 25


def rehearsed(queue: DeadLetterOutput[str], cause: str | None) -> Replayed:
    """How many dead letters a replay would move, of those that one call can read."""
    source = _queue(queue.url)
    chosen = _chosen(queue, source, cause)
    sample = read_sample(source, chosen.explained, limit=MAX_READ, clock=Deadline(_WORKING_SECONDS))
    return Replayed(
        queue=queue.name,
        cause=cause,
        dry_run=True,
        matching=sum(map(chosen.moves, sample.dead_letters)),
        left=sample.depth,
        complete=sample.whole,
    )


def replayed(queue: DeadLetterOutput[str], cause: str | None, operator: Caller) -> Replayed:
    """Move the dead letters, and write who did it to the audit log.

    Raises:
        Problem: the audit log could not be written; nothing was moved.
    """
    source, destination = _queue(queue.url), _queue(queue.replays_to)
    chosen = _chosen(queue, source, cause)
    with audited(
        "dlq replay",
        operator,
        queue=source.name,
        to=destination.name,
        filter=cause or "all",
        rate=_MESSAGES_PER_SECOND,
    ) as action:

        def note(result: MoveResult) -> None:
            action.counts = asdict(result)

        result = move(
            source,
            destination,
            chosen.copies,
            rate=_MESSAGES_PER_SECOND,
            clock=Deadline(_WORKING_SECONDS),
            max_held=MAX_READ,
            on_progress=note,
        )
        note(result)
        action.interrupted = result.interrupted
    return Replayed(
        queue=queue.name,
        cause=cause,
        dry_run=False,
        moved=result.sent,
        refused=result.refused,
        undeleted=result.undeleted,
        left=source.depth().total,
        complete=not result.interrupted and result.left < MAX_READ,
    )


def _chosen(queue: DeadLetterOutput[str], source: SqsQueue, cause: str | None) -> Replay:
    return Replay(
        queue=queue,
        explained=explained(queue),
        with_latest_scan=with_latest_scan,
        started_at=source.depth().at,
        run=new_run(),
        only=cause,
    )


def _queue(url: str) -> SqsQueue:
    return SqsQueue(client("sqs"), url, hidden_seconds=_HIDDEN_SECONDS)
