"""When the embedded cloud's executions and the functions' calls in them began and ended."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operations.cost.work import VALIDATE


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a function by the workflow.

    Attributes:
        function: its short name.
        began: seconds since 1970; of calls at once, those that ended first are taken for those that began first.
        ended: seconds since 1970.
        milliseconds: as the function measured it.
    """

    function: str
    began: float
    ended: float
    milliseconds: float


@dataclass(frozen=True, kw_only=True)
class Execution:
    """An execution of the workflow of files: seconds since 1970, and its calls in the order in which they ended."""

    began: float
    ended: float
    calls: Sequence[Call]

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return 1000 * (self.ended - self.began)

    @property
    def function_milliseconds(self) -> dict[str, float]:
        """How long each function took."""
        return {call.function: call.milliseconds for call in self.calls}


def execution_of(events: Sequence[Mapping[str, Any]]) -> Execution:
    """Read an execution's history, as `Emulator.executions` returns it."""
    begun: deque[float] = deque()
    calls: list[Call] = []
    for event in events:
        if event.get("taskScheduledEventDetails", {}).get("resource", "").endswith("lambda:invoke"):
            begun.append(_time(event))
        answer = json.loads(event.get("taskSucceededEventDetails", {}).get("output", "{}"))
        payload = answer.get("Payload", {})
        if "durationMs" in payload:
            calls.append(
                Call(
                    function=payload.get("transform", VALIDATE),
                    began=begun.popleft(),
                    ended=_time(event),
                    milliseconds=payload["durationMs"],
                )
            )
    return Execution(began=_time(events[0]), ended=_time(events[-1]), calls=calls)


def _time(event: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp()
