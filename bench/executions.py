"""When the embedded cloud's executions and the functions' calls in them began and ended."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from operations.cost.work import VALIDATE


class Call(NamedTuple):
    """A call of a function, in seconds since 1970 as the workflow sees it, and in milliseconds as the function does.

    Of calls at once, those that ended first are taken for those that began first.
    """

    function: str
    began: float
    ended: float
    milliseconds: float


class Execution(NamedTuple):
    """An execution of the workflow, in seconds since 1970, and its calls in the order in which they ended."""

    began: float
    ended: float
    calls: Sequence[Call]

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
        if "durationMs" in (payload := answer.get("Payload", {})):
            name = payload.get("transform", VALIDATE)
            calls.append(Call(name, begun.popleft(), _time(event), payload["durationMs"]))
    return Execution(_time(events[0]), _time(events[-1]), calls)


def _time(event: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp()
