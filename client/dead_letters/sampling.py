"""Reads the messages of a dead-letter queue without removing any.

SQS shows a message only by delivering it. So messages are invisible to other consumers while they are read, and are
released at the end; if the process is killed, SQS releases them after `HIDDEN_SECONDS`.
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
    """The messages that were read.

    Attributes:
        depth: about how many messages the queue holds, hidden ones included.
        whole: whether these are all that could be received.
    """

    dead_letters: list[DeadLetter]
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
    """Read a queue's messages without removing any.

    Args:
        limit: the maximum number of messages to read.
        until: stop after the first message for which this is true.
        on_progress: called with the number of messages read.
    """
    sqs_queue = pipeline.queue(queue.url, hidden_seconds=HIDDEN_SECONDS)
    depth = sqs_queue.depth().total
    seen: dict[str, Message] = {}
    dead_letters: list[DeadLetter] = []
    whole = found = False
    try:
        while not whole and not found and len(dead_letters) < min(limit, MAX_HELD):
            messages = sqs_queue.receive()
            fresh = [message for message in messages if message.message_id not in seen]
            seen |= {message.message_id: message for message in messages}
            explained = explain(pipeline, queue, fresh)
            dead_letters += explained
            whole, found = not fresh, any(map(until, explained))
            on_progress(len(dead_letters))
    finally:
        for batch in batches(seen.values()):
            sqs_queue.release(batch)
    return Sample(dead_letters=dead_letters[:limit], depth=max(depth, len(dead_letters)), whole=whole)


@dataclass(frozen=True, kw_only=True)
class Search:
    """The dead letter that a search found, and the number of messages it read."""

    dead_letter: DeadLetter | None
    read: int


def find(pipeline: Pipeline, wanted: str, queues: Iterable[DeadLetterQueue], *, limit: int) -> Search:
    """Find a dead letter by its message's id, its job's id or its file's key.

    Args:
        limit: the maximum number of messages to read from each queue.
    """
    read = 0
    for queue in queues:
        dead_letters = sample(
            pipeline, queue, limit=limit, until=lambda dead_letter: dead_letter.matches(wanted)
        ).dead_letters
        read += len(dead_letters)
        for dead_letter in dead_letters:
            if dead_letter.matches(wanted):
                return Search(dead_letter=dead_letter, read=read)
    return Search(dead_letter=None, read=read)
