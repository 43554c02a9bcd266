"""A plan of faults that the embedded cloud injects into its own services, and counts.

Every place that can fail asks the plan, with what it is about to do as its subject:

| point | subject | effects |
|---|---|---|
| REQUEST | ``role s3 GET /bucket/key``, ``root dynamodb PutItem`` | delay, refuse, cut, lose |
| TASK | ``sns:publish arn:...``: a service call of a workflow | delay, fail, lose |
| INVOCATION | the function's name | kill, limit |
| DELIVERY | the queue's name: an event or a notification | repeat, delay, skew |
| RECEIPT | the queue's name: before messages are received | shuffle |
| DELETION | the queue's name: a message is deleted | lose |
"""

from __future__ import annotations

import itertools
import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Point(StrEnum):
    """Where a fault is injected."""

    REQUEST = "request"
    TASK = "task"
    INVOCATION = "invocation"
    DELIVERY = "delivery"
    RECEIPT = "receipt"
    DELETION = "deletion"


class Effect(StrEnum):
    """What a fault does, with its values.

    DELAY by `seconds`. REFUSE with HTTP `status` and `code`. CUT the connection after `bytes` of the answer's body.
    LOSE the answer to what was done, in a task with `error`. FAIL a task with `error`. KILL the worker process
    `before`, `during` or `after` the work (`when`). LIMIT a worker's `resource`, ``memory`` or ``disk``. REPEAT a
    delivery. SKEW the time in an event by `seconds`. SHUFFLE a queue.
    """

    DELAY = "delay"
    REFUSE = "refuse"
    CUT = "cut"
    LOSE = "lose"
    FAIL = "fail"
    KILL = "kill"
    LIMIT = "limit"
    REPEAT = "repeat"
    SKEW = "skew"
    SHUFFLE = "shuffle"


@dataclass(frozen=True, kw_only=True)
class PlannedFault:
    """One entry of the plan.

    Args:
        point: where it is injected.
        effect: what it does.
        subject: a regular expression that the subject has to match from its start.
        values: the effect's values, see `Effect`.
        times: how often it strikes at most; None for no limit.
        probability: that it strikes a subject that matches.
    """

    point: Point
    effect: Effect
    subject: str
    values: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = None
    probability: float = 1.0


class FaultPlan:
    """The faults in force. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._faults: dict[int, PlannedFault] = {}
        self._tried: dict[int, int] = {}
        self._fired: dict[int, int] = {}
        self._random = random.Random(0)  # noqa: S311 - guards nothing

    def add(self, fault: PlannedFault) -> int:
        """Put a fault in force; its number in the plan."""
        with self._lock:
            number = next(self._numbers)
            self._faults[number], self._tried[number], self._fired[number] = fault, 0, 0
            return number

    def fired(self, number: int) -> int:
        """How often a fault has struck; 0 for an unknown one."""
        with self._lock:
            return self._fired.get(number, 0)

    def remove(self, number: int) -> int:
        """End a fault; how often it struck."""
        with self._lock:
            self._faults.pop(number, None)
            return self._fired.get(number, 0)

    def strike(self, point: Point, subject: str) -> PlannedFault | None:
        """The fault that strikes here, counted."""
        number, fault = self.attempt(point, subject)
        if fault:
            self.settle(number, has_struck=True)
        return fault

    def attempt(self, point: Point, subject: str) -> tuple[int, PlannedFault | None]:
        """The fault to inject here, with its number; `settle` says whether it changed anything."""
        if not self._faults:  # almost always
            return 0, None
        with self._lock:
            for number, fault in self._faults.items():
                is_left = fault.times is None or self._tried[number] < fault.times
                if fault.point is point and is_left and re.match(fault.subject, subject):
                    if self._random.random() >= fault.probability:
                        continue
                    self._tried[number] += 1
                    return number, fault
        return 0, None

    def settle(self, number: int, *, has_struck: bool) -> None:
        """Count a fault that was attempted, or leave it another attempt."""
        with self._lock:
            if has_struck:
                self._fired[number] += 1
            else:
                self._tried[number] -= 1
