"""Gets dead letters out again: back to where they failed, or away for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from operations.audit import audited
from operations.connection import Connection
from operations.dead_letters.causes import Cause, Letter, explain
from operations.dead_letters.stack_queues import DeadLetterQueue, Kind
from operations.events import again, new_run
from operations.interruption import Interruption
from operations.malware import with_latest_scan
from operations.move_task import move_whole_queue
from operations.queues import MAX_HELD, SqsQueue
from operations.replay import Copy, Message, Tally, move

# Beside the time that the rate asks for: others see what was left at the end, or this long after a crash.
_SPARE_SECONDS = 300


def replay(
    connection: Connection,
    queue: DeadLetterQueue,
    *,
    only: str | None = None,
    rate: int,
    interruption: Interruption,
    on_progress: Callable[[Tally], None] = lambda _: None,
) -> Tally:
    """Send dead letters to where they failed, with body and attributes as they are, and delete them here.

    A rejected file is judged again: its original event is sent, as a new run, since its job is finished (see
    components/workflow.py), and where it was scanned for malware, with what the latest scan said. What comes to the
    queue because of this replay stays there, so that a file which fails again is not replayed for ever.

    Args:
        only: a cause, a file's key, a job's id or a message's id; None takes the whole queue.
        rate: the most messages sent within any second, 1 to 500.
        on_progress: told of the tally so far.
    """
    sqs = connection.client("sqs")
    destination = SqsQueue(sqs, queue.replays_to)
    depth = SqsQueue(sqs, queue.url).depth()
    source = SqsQueue(sqs, queue.url, hidden_seconds=_SPARE_SECONDS + 3 * depth.total // rate)
    run = new_run()

    def is_chosen(letter: Letter) -> bool:
        came_from_this_replay = letter.message.sent_at > depth.at or _run_of(letter) == run
        return not came_from_this_replay and (only is None or letter.matches(only))

    def choose(messages: Sequence[Message]) -> list[Copy | None]:
        letters = explain(connection, queue, messages)
        return [_copy(connection, queue, letter, run) if is_chosen(letter) else None for letter in letters]

    with audited(
        connection, "dlq replay", queue=source.name, to=destination.name, filter=only or "all", rate=rate
    ) as action:

        def note(tally: Tally) -> None:
            action.counts = asdict(tally)
            on_progress(tally)

        tally = None
        if only is None and queue.is_redriven:
            tally = move_whole_queue(sqs, source.arn, destination.arn, rate=rate, clock=interruption, on_progress=note)
        if tally is None:
            tally = move(
                source, destination, choose, rate=rate, clock=interruption, max_held=MAX_HELD, on_progress=note
            )
        note(tally)
        action.interrupted = tally.interrupted
    return tally


def purge(connection: Connection, queue: DeadLetterQueue) -> int:
    """Delete everything in a dead-letter queue; return about how many messages that were.

    Raises:
        OperationError: it was purged less than a minute ago.
    """
    sqs_queue = SqsQueue(connection.client("sqs"), queue.url)
    with audited(connection, "dlq purge", queue=sqs_queue.name, filter="all") as action:
        count = sqs_queue.depth().total
        sqs_queue.purge()
        action.counts = {"purged": count}
    return count


def _copy(connection: Connection, queue: DeadLetterQueue, letter: Letter, run: str) -> Copy | None:
    if queue.kind is not Kind.REJECTIONS:
        return Copy(body=letter.message.body, message_attributes=letter.message.message_attributes)
    if letter.cause == Cause.UNREADABLE:
        return None
    return again(with_latest_scan(connection, letter.body["event"]), run)


def _run_of(letter: Letter) -> str:
    """The run in which a file was rejected; empty for an upload, and where there is none."""
    event = letter.body.get("event")
    return event.get("run", "") if isinstance(event, dict) else ""
