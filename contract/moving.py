"""Moves messages between queues at a bounded rate, so that none is lost and none is sent twice.

A message is deleted from its queue only after its copy was sent. A process that is killed in between leaves one
batch (at most ten messages) in both queues, and a later run sends that batch again: delivery stays what SQS promises,
at least once. Within one run nothing is sent twice, even if SQS delivers a message again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from contract.clock import Clock

# The most messages in one call of SQS ("Amazon SQS message quotas").
BATCH = 10
# A message that SQS has rejected this often in one run is not sent again.
MAX_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message as it was received.

    Attributes:
        sent_at: when it was first sent to any queue, in seconds since 1970 by SQS's clock.
        attributes: the attributes that SQS sets.
        message_attributes: the attributes that its sender set, as SQS expects them.
    """

    message_id: str
    receipt_handle: str
    body: str
    sent_at: float
    attributes: Mapping[str, str] = field(default_factory=dict)
    message_attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OutgoingMessage:
    """A message to send."""

    body: str
    message_attributes: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    """A queue to receive messages from."""

    def receive(self) -> Sequence[Message]:
        """Up to ten messages, which become invisible to other consumers; none if there are no more."""
        ...

    def delete(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Delete up to ten messages; return those that could not be deleted."""
        ...

    def release(self, messages: Sequence[Message]) -> None:
        """Make up to ten messages visible to others again."""
        ...


class Destination(Protocol):
    """A queue to send messages to."""

    def send(self, copies: Sequence[OutgoingMessage]) -> Sequence[int]:
        """Send up to ten messages; return the indexes of those that were refused."""
        ...


@dataclass(kw_only=True)
class MoveResult:
    """The counts of a move.

    Attributes:
        sent: messages that were sent, each counted once.
        left: messages that were read and not chosen.
        refused: messages that SQS rejected three times; they stay in their queue.
        undeleted: messages that were sent but could not be deleted: another run would send them again.
        settled: for a list sent in order, how many from its start are done.
        interrupted: whether it was stopped on request.
    """

    sent: int = 0
    left: int = 0
    refused: int = 0
    undeleted: int = 0
    settled: int = 0
    interrupted: bool = False


class RateLimit:
    """Limits sending to `rate` messages within any second.

    A message may arrive at any time during the call that sends it. So a call's messages count from its end, and a call
    that would exceed the rate waits until a second after that.
    """

    def __init__(self, rate: int, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._sent: deque[tuple[float, int]] = deque()

    def wait_for_capacity(self, wanted: int) -> int:
        """Wait until something may be sent, and return how many messages, at most `wanted`; 0 on a request to stop."""
        while not self._clock.requested:
            self._remove_expired()
            room = self._rate - sum(count for _, count in self._sent)
            if room > 0:
                return min(room, wanted)
            self._clock.sleep(max(self._sent[0][0] + 1 - self._clock.now(), 0))
        return 0

    def record(self, count: int) -> None:
        """Record that a call which sent `count` messages has ended."""
        self._sent.append((self._clock.now(), count))

    def _remove_expired(self) -> None:
        while self._sent and self._clock.now() >= self._sent[0][0] + 1:
            self._sent.popleft()


def move(
    source: Source,
    destination: Destination,
    copies_of: Callable[[Sequence[Message]], Sequence[OutgoingMessage | None]],
    *,
    rate: int,
    clock: Clock,
    max_held: int,
    on_progress: Callable[[MoveResult], None] = lambda _: None,
) -> MoveResult:
    """Send chosen messages of `source` to `destination`, and delete them from `source`.

    Args:
        copies_of: for messages received together, what to send for each; None keeps a message in its queue.
        rate: the most messages sent within any second, at least 1.
        max_held: stop reading after this many messages that are not chosen; each stays invisible until the end, and
            SQS limits the number of messages in flight.
        on_progress: called with the result so far.

    Returns:
        The result, also when it was interrupted. What was received and not sent is visible again.
    """
    run = _MoveRun(source=source, destination=destination, limit=RateLimit(rate, clock), clock=clock)
    try:
        while not clock.requested and len(run.held) < max_held:
            messages = source.receive()
            if not messages or run.is_repeating(messages):
                break
            run.handle(messages, copies_of)
            on_progress(run.result)
    finally:
        run.release_all()
    run.result.interrupted = clock.requested
    return run.result


@dataclass(kw_only=True)
class _MoveRun:
    source: Source
    destination: Destination
    limit: RateLimit
    clock: Clock
    result: MoveResult = field(default_factory=MoveResult)
    # Messages that stay in the queue, invisible to this process as well until the end.
    held: dict[str, Message] = field(default_factory=dict)
    _received: dict[str, Message] = field(default_factory=dict)
    _sent: set[str] = field(default_factory=set)
    _undeleted: set[str] = field(default_factory=set)
    _tries: Counter[str] = field(default_factory=Counter)
    _repeated: int = 0

    def is_repeating(self, messages: Sequence[Message]) -> bool:
        """Whether SQS delivers known messages only: their visibility timeout ended before the end of the queue."""
        seen = [message for message in messages if message.message_id in self.held]
        self._repeated = self._repeated + len(seen) if len(seen) == len(messages) else 0
        self.held |= {message.message_id: message for message in seen}
        return self._repeated > len(self.held)

    def handle(
        self, messages: Sequence[Message], copies_of: Callable[[Sequence[Message]], Sequence[OutgoingMessage | None]]
    ) -> None:
        self._received = {message.message_id: message for message in messages if message.message_id not in self.held}
        # SQS may deliver a deleted message again, and delivers one again that could not be deleted.
        self._delete([message for message in self._received.values() if message.message_id in self._sent])
        fresh = list(self._received.values())
        chosen = []
        for message, copy in zip(fresh, copies_of(fresh) if fresh else (), strict=True):
            if copy is None:
                self._keep_hidden(message)
                self.result.left += 1
            else:
                chosen.append((message, copy))
        while chosen and (room := self.limit.wait_for_capacity(len(chosen))):
            self._send(chosen[:room])
            del chosen[:room]
        self._release([message for message, _ in chosen])

    def release_all(self) -> None:
        """Make all remaining messages visible again."""
        for batch in batches([*self.held.values(), *self._received.values()]):
            self.source.release(batch)

    def _send(self, chosen: Sequence[tuple[Message, OutgoingMessage]]) -> None:
        refused = set(self.destination.send([copy for _, copy in chosen]))
        self.limit.record(len(chosen))
        arrived = [message for index, (message, _) in enumerate(chosen) if index not in refused]
        self._sent |= {message.message_id for message in arrived}
        self.result.sent += len(arrived)
        self._delete(arrived)
        for index in refused:
            self._retry_later(chosen[index][0])

    def _delete(self, messages: Sequence[Message]) -> None:
        remaining = messages
        for _ in range(MAX_TRIES):
            if remaining:
                remaining = self.source.delete(remaining)
        for message in messages:
            del self._received[message.message_id]
        self._undeleted -= {message.message_id for message in messages}
        self._undeleted |= {message.message_id for message in remaining}
        self.result.undeleted = len(self._undeleted)

    def _retry_later(self, message: Message) -> None:
        self._tries[message.message_id] += 1
        if self._tries[message.message_id] < MAX_TRIES:
            self._release([message])
        else:
            self._keep_hidden(message)
            self.result.refused += 1

    def _keep_hidden(self, message: Message) -> None:
        self.held[message.message_id] = message
        del self._received[message.message_id]

    def _release(self, messages: Sequence[Message]) -> None:
        for message in messages:
            del self._received[message.message_id]
        if messages:
            self.source.release(messages)


def send_all(
    copies: Iterable[OutgoingMessage],
    destination: Destination,
    *,
    rate: int,
    clock: Clock,
    on_progress: Callable[[MoveResult], None] = lambda _: None,
) -> MoveResult:
    """Send messages in order, at a bounded rate; rejected messages are sent up to three times."""
    result, limit = MoveResult(), RateLimit(rate, clock)
    for batch in batches(copies):
        waiting, tries = batch, Counter[int]()
        while waiting and (room := limit.wait_for_capacity(len(waiting))):
            sending, waiting = waiting[:room], waiting[room:]
            refused = [sending[index] for index in destination.send(sending)]
            limit.record(len(sending))
            result.sent += len(sending) - len(refused)
            tries.update(id(copy) for copy in refused)
            again = [copy for copy in refused if tries[id(copy)] < MAX_TRIES]
            result.refused += len(refused) - len(again)
            waiting += again
        if waiting:
            result.interrupted = True
            break
        result.settled += len(batch)
        on_progress(result)
    return result


def batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    """The items in lists of at most ten, the limit of one SQS call."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
