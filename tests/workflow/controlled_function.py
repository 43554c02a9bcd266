"""A Lambda function whose responses a test sets, instead of validate and every transform.

A test writes `{jobId}.{function}.json` to CONTROL_DIRECTORY, a list of responses to the first call, the second, and so
on; the last one also applies to all later calls. Without the file the function returns DEFAULT_ANSWER.
"""

import json
import os
import time
from pathlib import Path

CONTROL_DIRECTORY = Path(os.environ["CONTROL_DIRECTORY"])
NAME = os.environ["NAME"]
DEFAULT_ANSWER = json.loads(os.environ["DEFAULT_ANSWER"])


def handler(event, _context):
    """Record the call, then return, raise or sleep."""
    file = event.get("file", event)
    calls = CONTROL_DIRECTORY / f"{file['jobId']}.{NAME}.calls"
    number = len(calls.read_text().splitlines()) if calls.exists() else 0
    with calls.open("a") as opened:
        opened.write(json.dumps(event) + "\n")
    orders = CONTROL_DIRECTORY / f"{file['jobId']}.{NAME}.json"
    steps = json.loads(orders.read_text()) if orders.exists() else [{}]
    order = steps[min(number, len(steps) - 1)]
    time.sleep(order.get("sleep_seconds", 0))
    if "wait_for" in order:
        _wait_for(CONTROL_DIRECTORY / order["wait_for"])
    if "raise" in order:
        raise type(order["raise"], (Exception,), {})(order["message"])
    if "answer_alone" in order:
        return order["answer_alone"]
    return {**DEFAULT_ANSWER, **order.get("answer", {})}


def _wait_for(signal):
    while not signal.exists():
        time.sleep(0.005)
