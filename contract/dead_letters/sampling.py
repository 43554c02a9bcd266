"""Reads the messages of a dead-letter queue without removing any.

SQS shows a message only by delivering it. So messages are invisible to other consumers while they are read, and are
released at the end; if the process is killed, SQS releases them after the queue's `hidden_seconds`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contract.clock import Clock, SystemClock
from contract.dead_letters.causes import DeadLetter
from contract.moving import Message, batches
from contract.queues import MAX_HELD, SqsQueue


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


def read_sample(
    source: SqsQueue,
    explained: Callable[[Sequence[Message]], list[DeadLetter]],
    *,
    limit: int,
    until: Callable[[DeadLetter], bool] = lambda _: False,
    clock: Clock | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Sample:
    """Read a queue's messages without removing any.

    Args:
        source: the queue.
        explained: finds the causes of up to ten messages.
        limit: the maximum number of messages to read.
        until: stop after the first message for which this is true.
        clock: once it is requested to stop, no more messages are read.
        on_progress: called with the number of messages read.
    """
    depth, clock = source.depth().total, clock or SystemClock()
    seen: dict[str, Message] = {}
    dead_letters: list[DeadLetter] = []
    whole = found = False
    try:
        while not whole and not found and len(dead_letters) < min(limit, MAX_HELD) and not clock.requested:
            messages = source.receive()
            fresh = [message for message in messages if message.message_id not in seen]
            seen |= {message.message_id: message for message in messages}
            new = explained(fresh)
            dead_letters += new
            whole, found = not fresh, any(map(until, new))
            on_progress(len(dead_letters))
    finally:
        for batch in batches(seen.values()):
            source.release(batch)
    return Sample(dead_letters=dead_letters[:limit], depth=max(depth, len(dead_letters)), whole=whole)
