"""Gets dead letters out again: back to where they failed, or away for good."""

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

# Beside the time that the rate asks for: others see what was left at the end, or this long after a crash.
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
    """Send dead letters to where they failed, with body and attributes as they are, and delete them here.

    A rejected file is judged again: its original event is sent, as a new run, since its job is finished (see
    components/workflow/file_workflow.py), and where it was scanned for malware, with what the latest scan said. What
    comes to the queue because of this replay stays there, so that a file which fails again is not replayed for ever.

    Args:
        only: a cause, a file's key, a job's id or a message's id; None takes the whole queue.
        rate: the most messages sent within any second, 1 to 500.
        on_progress: told of the result so far.
    """
    destination = pipeline.queue(queue.replays_to)
    depth = pipeline.queue(queue.url).depth()
    source = pipeline.queue(queue.url, hidden_seconds=_SPARE_SECONDS + 3 * depth.total // rate)
    run = new_run()

    def is_chosen(letter: DeadLetter) -> bool:
        came_from_this_replay = letter.message.sent_at > depth.at or _run_of(letter) == run
        return not came_from_this_replay and (only is None or letter.matches(only))

    def choose(messages: Sequence[Message]) -> list[OutgoingMessage | None]:
        letters = explain(pipeline, queue, messages)
        return [_copy(pipeline, queue, letter, run) if is_chosen(letter) else None for letter in letters]

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
            # What was not looked at is left as well.
            result.left = pipeline.queue(queue.url).depth().total
        note(result)
        action.interrupted = result.interrupted
    return result


def purge(pipeline: Pipeline, queue: DeadLetterQueue) -> int:
    """Delete everything in a dead-letter queue; return about how many messages that were.

    Raises:
        PipelineError: it was purged less than a minute ago.
    """
    sqs_queue = pipeline.queue(queue.url)
    with audited(pipeline, "dlq purge", queue=sqs_queue.name, filter="all") as action:
        count = sqs_queue.depth().total
        sqs_queue.purge()
        action.counts = {"purged": count}
    return count


def _copy(pipeline: Pipeline, queue: DeadLetterQueue, letter: DeadLetter, run: str) -> OutgoingMessage | None:
    if queue.kind is not DeadLetterKind.REJECTIONS:
        return OutgoingMessage(body=letter.message.body, message_attributes=letter.message.message_attributes)
    if letter.cause == Cause.UNREADABLE:
        return None
    return again(with_latest_scan(pipeline, letter.body["event"]), run)


def _run_of(letter: DeadLetter) -> str:
    """The run in which a file was rejected; empty for an upload, and where there is none."""
    event = letter.body.get("event")
    return event.get("run", "") if isinstance(event, dict) else ""
