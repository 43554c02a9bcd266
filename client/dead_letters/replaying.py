"""Replays dead letters to the queue where they failed, or deletes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from botocore.exceptions import ClientError

from client.audit import audited
from client.dead_letters.stack_queues import DeadLetterQueue
from client.errors import ActionFailedError
from client.malware import with_latest_scan
from client.move_task import move_whole_queue
from client.pipeline import Pipeline
from contract.clock import Clock
from contract.dead_letters.causes import explain
from contract.dead_letters.replaying import Replay
from contract.events import new_run
from contract.moving import MoveResult, move
from contract.queues import MAX_HELD

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
    """Send dead letters to the queue where they failed, see `contract.dead_letters.replaying`, and delete them here.

    Args:
        only: a cause, a file's key, a job's id or a message's id; None for the whole queue.
        rate: the most messages sent within any second, 1 to 500.
        on_progress: called with the result so far.
    """
    destination = pipeline.queue(queue.replays_to)
    depth = pipeline.queue(queue.url).depth()
    source = pipeline.queue(queue.url, hidden_seconds=_SPARE_SECONDS + 3 * depth.total // rate)
    chosen = Replay(
        queue=queue,
        explained=partial(explain, pipeline.jobs, queue),
        with_latest_scan=partial(with_latest_scan, pipeline),
        started_at=depth.at,
        run=new_run(),
        only=only,
    )
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
            result = move(
                source, destination, chosen.copies, rate=rate, clock=clock, max_held=MAX_HELD, on_progress=note
            )
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
        try:
            sqs_queue.purge()
        except ClientError as error:
            if "PurgeQueueInProgress" not in error.response["Error"]["Code"]:
                raise
            raise ActionFailedError(
                f"{sqs_queue.name} is being purged already: SQS takes up to 60 seconds for it"
            ) from None
        action.counts = {"purged": count}
    return count
