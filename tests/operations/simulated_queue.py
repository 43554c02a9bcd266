"""SQS as a replay meets it, with a clock that needs no waiting: messages hide, come twice, are refused in part."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from client.moving import Message, OutgoingMessage


class Killed(BaseException):
    """The process was killed: nothing it would still do happens."""


class VirtualClock:
    """Time that passes only where somebody waits or a call takes its time."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.requested = False

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.time += seconds


@dataclass(kw_only=True)
class Misfortune:
    """What goes wrong, as probabilities; and the call at which the process dies, before or after the call's effect."""

    seed: int = 0
    refused: float = 0.0
    undeleted: float = 0.0
    handed_out_again: float = 0.0
    deadly_call: int | None = None
    dies_before_effect: bool = True

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 (a test's dice)
        self.calls = 0

    def strikes(self, probability: float) -> bool:
        return self.dice.random() < probability


class SimulatedQueue:
    """One standard queue. A call takes 5 to 40 ms, and its effect comes at some moment within."""

    def __init__(self, clock: VirtualClock, misfortune: Misfortune, *, visibility_seconds: float = 300) -> None:
        self.clock = clock
        self.misfortune = misfortune
        self.visibility_seconds = visibility_seconds
        self.bodies: dict[str, str] = {}
        self.arrivals: list[float] = []
        self.risen: set[str] = set()
        self._ever: dict[str, str] = {}
        self._visible: deque[str] = deque()
        self._hidden_until: dict[str, float] = {}
        self._ends_of_hiding: list[tuple[float, str]] = []
        self._numbers = itertools.count()

    def put(self, *bodies: str) -> None:
        for body in bodies:
            message_id = f"message-{next(self._numbers)}"
            self.bodies[message_id] = self._ever[message_id] = body
            self._visible.append(message_id)

    def copies(self) -> Counter[str]:
        """How often each body is in the queue."""
        return Counter(self.bodies.values())

    def visible_bodies(self) -> list[str]:
        """What anybody could receive now."""
        self._end_hiding()
        return sorted(self.bodies[message_id] for message_id in self._visible if message_id in self.bodies)

    def receive(self) -> list[Message]:
        with self._call():
            self._end_hiding()
            received: list[str] = []
            wanted = 10 if self.misfortune.strikes(0.8) else self.misfortune.dice.randint(1, 10)
            while self._visible and len(received) < wanted:
                message_id = self._visible.popleft()
                if message_id in self.bodies:
                    received.append(message_id)
            if received and self.misfortune.strikes(self.misfortune.handed_out_again):
                received = self._with_one_seen_before(received)
            for message_id in received:
                self._hidden_until[message_id] = self.clock.time + self.visibility_seconds
                heapq.heappush(self._ends_of_hiding, (self._hidden_until[message_id], message_id))
            return [
                Message(message_id=message_id, receipt_handle=message_id, body=self._ever[message_id], sent_at=0)
                for message_id in received
            ]

    def send(self, copies: Sequence[OutgoingMessage]) -> list[int]:
        assert 1 <= len(copies) <= 10
        with self._call():
            refused = [index for index in range(len(copies)) if self.misfortune.strikes(self.misfortune.refused)]
            accepted = [copy.body for index, copy in enumerate(copies) if index not in refused]
            self.put(*accepted)
            self.arrivals += [self.clock.time] * len(accepted)
            return refused

    def delete(self, messages: Sequence[Message]) -> list[Message]:
        assert 1 <= len(messages) <= 10
        with self._call():
            kept = [message for message in messages if self.misfortune.strikes(self.misfortune.undeleted)]
            for message in messages:
                if message not in kept:
                    self.bodies.pop(message.message_id, None)
            return kept

    def release(self, messages: Sequence[Message]) -> None:
        assert 1 <= len(messages) <= 10
        with self._call():
            for message in messages:
                if self._hidden_until.pop(message.message_id, None) is not None:
                    self._visible.append(message.message_id)

    def _with_one_seen_before(self, received: list[str]) -> list[str]:
        """Standard queues now and then hand out a message that is hidden, and even one that was deleted."""
        seen = self.misfortune.dice.choice(list(self._ever))
        if seen in received or seen in self._visible:
            return received
        if seen not in self.bodies:
            self.risen.add(self._ever[seen])
        return [*received[:9], seen] if len(received) < 10 else received

    def _end_hiding(self) -> None:
        while self._ends_of_hiding and self._ends_of_hiding[0][0] <= self.clock.time:
            end, message_id = heapq.heappop(self._ends_of_hiding)
            if self._hidden_until.get(message_id) == end:
                del self._hidden_until[message_id]
                self._visible.append(message_id)

    @contextmanager
    def _call(self) -> Iterator[None]:
        misfortune = self.misfortune
        misfortune.calls += 1
        deadly = misfortune.deadly_call or misfortune.calls + 1
        if misfortune.calls > deadly or (misfortune.calls == deadly and misfortune.dies_before_effect):
            raise Killed
        duration = misfortune.dice.uniform(0.005, 0.040)
        before_effect = misfortune.dice.uniform(0, duration)
        self.clock.time += before_effect
        yield
        self.clock.time += duration - before_effect
        if misfortune.calls == deadly:
            raise Killed
