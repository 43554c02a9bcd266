"""A simulated SQS queue with a virtual clock and faults: repeated deliveries, rejected and undeleted messages."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from contract.moving import Message, OutgoingMessage


class Killed(BaseException):
    """The process was killed: no later call has an effect."""


class VirtualClock:
    """Time that passes only during `sleep` and simulated calls."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.requested = False

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.time += seconds


@dataclass(kw_only=True)
class Faults:
    """Probabilities of faults, and the call at which the process is killed, before or after the call's effect."""

    seed: int = 0
    refused: float = 0.0
    undeleted: float = 0.0
    redelivered: float = 0.0
    killed_at_call: int | None = None
    killed_before_effect: bool = True

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 (not for security)
        self.calls = 0

    def occurs(self, probability: float) -> bool:
        return self.random.random() < probability


class SimulatedQueue:
    """One standard queue. A call takes 5 to 40 ms, and has its effect at a random time within."""

    def __init__(self, clock: VirtualClock, faults: Faults, *, visibility_seconds: float = 300) -> None:
        self.clock = clock
        self.faults = faults
        self.visibility_seconds = visibility_seconds
        self.bodies: dict[str, str] = {}
        self.arrivals: list[float] = []
        self.redelivered_after_delete: set[str] = set()
        self._every_body: dict[str, str] = {}
        self._visible: deque[str] = deque()
        self._invisible_until: dict[str, float] = {}
        self._visibility_ends: list[tuple[float, str]] = []
        self._numbers = itertools.count()

    def put(self, *bodies: str) -> None:
        for body in bodies:
            message_id = f"message-{next(self._numbers)}"
            self.bodies[message_id] = self._every_body[message_id] = body
            self._visible.append(message_id)

    def copies(self) -> Counter[str]:
        """How often each body is in the queue."""
        return Counter(self.bodies.values())

    def visible_bodies(self) -> list[str]:
        """Bodies of the visible messages."""
        self._end_visibility_timeouts()
        return sorted(self.bodies[message_id] for message_id in self._visible if message_id in self.bodies)

    def receive(self) -> list[Message]:
        with self._call():
            self._end_visibility_timeouts()
            received: list[str] = []
            wanted = 10 if self.faults.occurs(0.8) else self.faults.random.randint(1, 10)
            while self._visible and len(received) < wanted:
                message_id = self._visible.popleft()
                if message_id in self.bodies:
                    received.append(message_id)
            if received and self.faults.occurs(self.faults.redelivered):
                received = self._with_a_redelivered_one(received)
            for message_id in received:
                self._invisible_until[message_id] = self.clock.time + self.visibility_seconds
                heapq.heappush(self._visibility_ends, (self._invisible_until[message_id], message_id))
            return [
                Message(message_id=message_id, receipt_handle=message_id, body=self._every_body[message_id], sent_at=0)
                for message_id in received
            ]

    def send(self, copies: Sequence[OutgoingMessage]) -> list[int]:
        assert 1 <= len(copies) <= 10
        with self._call():
            refused = [index for index in range(len(copies)) if self.faults.occurs(self.faults.refused)]
            accepted = [copy.body for index, copy in enumerate(copies) if index not in refused]
            self.put(*accepted)
            self.arrivals += [self.clock.time] * len(accepted)
            return refused

    def delete(self, messages: Sequence[Message]) -> list[Message]:
        assert 1 <= len(messages) <= 10
        with self._call():
            kept = [message for message in messages if self.faults.occurs(self.faults.undeleted)]
            for message in messages:
                if message not in kept:
                    self.bodies.pop(message.message_id, None)
            return kept

    def release(self, messages: Sequence[Message]) -> None:
        assert 1 <= len(messages) <= 10
        with self._call():
            for message in messages:
                if self._invisible_until.pop(message.message_id, None) is not None:
                    self._visible.append(message.message_id)

    def _with_a_redelivered_one(self, received: list[str]) -> list[str]:
        """Standard queues sometimes deliver an invisible message again, and even a deleted one."""
        seen = self.faults.random.choice(list(self._every_body))
        if seen in received or seen in self._visible:
            return received
        if seen not in self.bodies:
            self.redelivered_after_delete.add(self._every_body[seen])
        return [*received[:9], seen] if len(received) < 10 else received

    def _end_visibility_timeouts(self) -> None:
        while self._visibility_ends and self._visibility_ends[0][0] <= self.clock.time:
            end, message_id = heapq.heappop(self._visibility_ends)
            if self._invisible_until.get(message_id) == end:
                del self._invisible_until[message_id]
                self._visible.append(message_id)

    @contextmanager
    def _call(self) -> Iterator[None]:
        faults = self.faults
        faults.calls += 1
        deadly = faults.killed_at_call or faults.calls + 1
        if faults.calls > deadly or (faults.calls == deadly and faults.killed_before_effect):
            raise Killed
        duration = faults.random.uniform(0.005, 0.040)
        before_effect = faults.random.uniform(0, duration)
        self.clock.time += before_effect
        yield
        self.clock.time += duration - before_effect
        if faults.calls == deadly:
            raise Killed
