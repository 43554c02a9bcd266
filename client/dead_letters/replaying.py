"""Replays dead letters to the queue where they failed, or deletes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from client.audit import audited
from client.clock import Clock
from client.dead_letters.causes import Cause, DeadLetter, explain
from client.dead_letters.stack_queues import DeadLetterQueue
from client.events import again, new_run
from client.malware import with_latest_scan
from client.move_task import move_whole_queue
from client.moving import Message, MoveResult, OutgoingMessage, move
from client.pipeline import Pipeline
from client.queues import MAX_HELD
from contract.outputs import DeadLetterKind

# Added to the time that the rate needs. After a crash, messages are visible again when both have passed.
_SPARE_SECONDS = 300


def replay(
    pipeline: Pipeline,
    queue: DeadLetterQueue,
    *,
    only: str | None = None,
    rate: int,
    clock: Clock,
    on_progress: Callable[[MoveResult], None] = lambda _: None,
) -> MoveResult:
    """Send dead letters to the queue where they failed, body and attributes unchanged, and delete them here.

    A rejected file is validated again: its original event is sent, as a new run, since its job is finished (see
    components/workflow/file_workflow.py), and where it was scanned for malware, with the latest scan result. A
    message that this replay causes stays in the queue, so that a file which fails again is not replayed for ever.

    Args:
        only: a cause, a file's key, a job's id or a message's id; None for the whole queue.
        rate: the most messages sent within any second, 1 to 500.
        on_progress: called with the result so far.
    """
    destination = pipeline.queue(queue.replays_to)
    depth = pipeline.queue(queue.url).depth()
    source = pipeline.queue(queue.url, hidden_seconds=_SPARE_SECONDS + 3 * depth.total // rate)
    run = new_run()

    def is_chosen(dead_letter: DeadLetter) -> bool:
        came_from_this_replay = dead_letter.message.sent_at > depth.at or _run_of(dead_letter) == run
        return not came_from_this_replay and (only is None or dead_letter.matches(only))

    def choose(messages: Sequence[Message]) -> list[OutgoingMessage | None]:
        dead_letters = explain(pipeline, queue, messages)
        return [
            _copy(pipeline, queue, dead_letter, run) if is_chosen(dead_letter) else None for dead_letter in dead_letters
        ]

    with audited(
        pipeline, "dlq replay", queue=source.name, to=destination.name, filter=only or "all", rate=rate
    ) as action:

        def note(result: MoveResult) -> None:
            action.counts = asdict(result)
            on_progress(result)

        result = None
        if only is None and queue.is_redrive_target:
            result = move_whole_queue(
                pipeline.client("sqs"), source.arn, destination.arn, rate=rate, clock=clock, on_progress=note
            )
        if result is None:
            result = move(source, destination, choose, rate=rate, clock=clock, max_held=MAX_HELD, on_progress=note)
        if result.interrupted:
            # Messages that were not read are left as well.
            result.left = pipeline.queue(queue.url).depth().total
        note(result)
        action.interrupted = result.interrupted
    return result


def purge(pipeline: Pipeline, queue: DeadLetterQueue) -> int:
    """Delete everything in a dead-letter queue; return the approximate number of messages.

    Raises:
        PipelineError: it was purged less than a minute ago.
    """
    sqs_queue = pipeline.queue(queue.url)
    with audited(pipeline, "dlq purge", queue=sqs_queue.name, filter="all") as action:
        count = sqs_queue.depth().total
        sqs_queue.purge()
        action.counts = {"purged": count}
    return count


def _copy(pipeline: Pipeline, queue: DeadLetterQueue, dead_letter: DeadLetter, run: str) -> OutgoingMessage | None:
    if queue.kind is not DeadLetterKind.REJECTIONS:
        return OutgoingMessage(body=dead_letter.message.body, message_attributes=dead_letter.message.message_attributes)
    if dead_letter.cause == Cause.UNREADABLE:
        return None
    return again(with_latest_scan(pipeline, dead_letter.body["event"]), run)


def _run_of(dead_letter: DeadLetter) -> str:
    """The run in which a file was rejected; empty for an upload, and where there is none."""
    event = dead_letter.body.get("event")
    return event.get("run", "") if isinstance(event, dict) else ""
