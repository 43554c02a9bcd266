"""A worker with a planted defect, to see that a run reports it: named by the variable DEFECT."""

from __future__ import annotations

import os
import signal
from typing import Any

from functions.api import handler as api
from functions.metadata import handler as metadata
from functions.operator import handler as operator
from functions.replay import handler as replay
from functions.table import handler as table
from functions.validate import handler as validate
from tests.hostile import limits
from tests.hostile.worker import main

Event = dict[str, Any]


def _raise(_event: Event, _context: object) -> Event:
    raise RuntimeError("planted")


def _lose_a_row(event: Event, context: object) -> Event:
    answer = _TABLE(event, context)
    if "rejection" not in answer:
        answer["record"]["rowCount"] -= 1
    return answer


def _exit(_event: Event, _context: object) -> Event:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def _take_memory(_event: Event, _context: object) -> Event:
    return {"content": bytes(limits.LIMITS["validate"].memory_mb * 2 << 20).hex()}


def _take_time(_event: Event, _context: object) -> Event:
    while True:
        pass


def _answer_500(event: Event, _context: object) -> Event:
    return {"statusCode": 500, "headers": {"content-type": "application/json"}, "body": event["rawPath"]}


_TABLE = table.handler
_DEFECTS = {
    "raise": ((metadata,), _raise),
    "lose a row": ((table,), _lose_a_row),
    "exit": ((metadata,), _exit),
    "memory": ((validate,), _take_memory),
    "time": ((validate,), _take_time),
    "500": ((api, operator, replay), _answer_500),
}

if __name__ == "__main__":
    modules, defect = _DEFECTS[os.environ["DEFECT"]]
    for module in modules:
        module.handler = defect  # pyright: ignore[reportAttributeAccessIssue]
    if os.environ["DEFECT"] == "time":
        limits.LIMITS["validate"] = limits.FunctionLimits(memory_mb=512, seconds=1)
    main()
