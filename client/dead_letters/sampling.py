"""Looks into a dead-letter queue without taking anything out.

SQS can only show a message by handing it out. So what was looked at is hidden from others until the look is over, and
shown again then; if the process dies, SQS shows it after `HIDDEN_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from client.dead_letters.causes import DeadLetter, explain
from client.dead_letters.stack_queues import DeadLetterQueue
from client.moving import Message, batches
from client.pipeline import Pipeline
from client.queues import MAX_HELD

HIDDEN_SECONDS = 300
DEFAULT_LIMIT = 1000


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What was looked at.

    Attributes:
        depth: about how many messages the queue holds, hidden ones included.
        whole: whether these are all that could be received.
    """

    letters: list[DeadLetter]
    depth: int
    whole: bool


def sample(
    pipeline: Pipeline,
    queue: DeadLetterQueue,
    *,
    limit: int = DEFAULT_LIMIT,
    until: Callable[[DeadLetter], bool] = lambda _: False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Sample:
    """Check at a queue's messages and leave them there.

    Args:
        limit: the most messages to look at.
        until: stop after the first message for which this is true.
        on_progress: told how many have been looked at.
    """
    sqs_queue = pipeline.queue(queue.url, hidden_seconds=HIDDEN_SECONDS)
    depth = sqs_queue.depth().total
    seen: dict[str, Message] = {}
    letters: list[DeadLetter] = []
    whole = found = False
    try:
        while not whole and not found and len(letters) < min(limit, MAX_HELD):
            messages = sqs_queue.receive()
            fresh = [message for message in messages if message.message_id not in seen]
            seen |= {message.message_id: message for message in messages}
            explained = explain(pipeline, queue, fresh)
            letters += explained
            whole, found = not fresh, any(map(until, explained))
            on_progress(len(letters))
    finally:
        for batch in batches(seen.values()):
            sqs_queue.release(batch)
    return Sample(letters=letters[:limit], depth=max(depth, len(letters)), whole=whole)


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search for one dead letter found, and how many it looked at."""

    letter: DeadLetter | None
    looked_at: int


def find(pipeline: Pipeline, wanted: str, queues: Iterable[DeadLetterQueue], *, limit: int) -> Search:
    """Check for a dead letter by its message's id, its job's id or its file's key.

    Args:
        limit: the most messages to look at in each queue.
    """
    looked_at = 0
    for queue in queues:
        letters = sample(pipeline, queue, limit=limit, until=lambda letter: letter.matches(wanted)).letters
        looked_at += len(letters)
        for letter in letters:
            if letter.matches(wanted):
                return Search(letter=letter, looked_at=looked_at)
    return Search(letter=None, looked_at=looked_at)
