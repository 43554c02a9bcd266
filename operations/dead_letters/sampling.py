"""Looks into a dead-letter queue without taking anything out.

SQS can only show a message by handing it out. So what was looked at is hidden from others until the look is over, and
shown again then; if the process dies, SQS shows it after `HIDDEN_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from operations.connection import Connection
from operations.dead_letters.causes import Letter, explain
from operations.dead_letters.stack_queues import DeadLetterQueue
from operations.queues import MAX_HELD, SqsQueue
from operations.replay import Message, portions

HIDDEN_SECONDS = 300
DEFAULT_LIMIT = 1000


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What was looked at.

    Attributes:
        depth: about how many messages the queue holds, hidden ones included.
        whole: whether these are all that could be received.
    """

    letters: list[Letter]
    depth: int
    whole: bool


def sample(
    connection: Connection,
    queue: DeadLetterQueue,
    *,
    limit: int = DEFAULT_LIMIT,
    until: Callable[[Letter], bool] = lambda _: False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Sample:
    """Look at a queue's messages and leave them there.

    Args:
        limit: the most messages to look at.
        until: stop after the first message for which this is true.
        on_progress: told how many have been looked at.
    """
    sqs_queue = SqsQueue(connection.client("sqs"), queue.url, hidden_seconds=HIDDEN_SECONDS)
    depth = sqs_queue.depth().total
    seen: dict[str, Message] = {}
    letters: list[Letter] = []
    whole = found = False
    try:
        while not whole and not found and len(letters) < min(limit, MAX_HELD):
            messages = sqs_queue.receive()
            fresh = [message for message in messages if message.message_id not in seen]
            seen |= {message.message_id: message for message in messages}
            explained = explain(connection, queue, fresh)
            letters += explained
            whole, found = not fresh, any(map(until, explained))
            on_progress(len(letters))
    finally:
        for portion in portions(seen.values()):
            sqs_queue.release(portion)
    return Sample(letters=letters[:limit], depth=max(depth, len(letters)), whole=whole)


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search for one dead letter found, and how many it looked at."""

    letter: Letter | None
    looked_at: int


def find(connection: Connection, wanted: str, queues: Iterable[DeadLetterQueue], *, limit: int) -> Search:
    """Look for a dead letter by its message's id, its job's id or its file's key.

    Args:
        limit: the most messages to look at in each queue.
    """
    looked_at = 0
    for queue in queues:
        letters = sample(connection, queue, limit=limit, until=lambda letter: letter.matches(wanted)).letters
        looked_at += len(letters)
        for letter in letters:
            if letter.matches(wanted):
                return Search(letter=letter, looked_at=looked_at)
    return Search(letter=None, looked_at=looked_at)
