"""The log of an execution as Step Functions writes it, from the emulator's history of the execution.

Source: AWS Step Functions Developer Guide, "Using CloudWatch Logs to log execution history in Step Functions", with its
table of log levels for event types.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

_FATAL = ("ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut")
_ERROR_ENDINGS = ("Failed", "TimedOut", "Aborted")
# Inputs and outputs of states, logged only with `includeExecutionData`.
_DATA = ("input", "output", "parameters", "inputDetails", "outputDetails")


def execution_log(
    history: Sequence[Mapping[str, Any]], execution_arn: str, *, level: str, include_data: bool
) -> Iterator[tuple[int, str]]:
    """Generate the log events of an execution.

    Args:
        history: events as GetExecutionHistory gives them, in order.
        execution_arn: the execution.
        level: the state machine's log level: ALL, ERROR, FATAL or OFF.
        include_data: whether inputs and outputs are logged.

    Yields:
        Milliseconds since 1970, and the message as JSON.
    """
    previous = 0
    for number, event in enumerate(history, 1):
        if _is_logged(event["type"], level):
            at = _milliseconds(event["timestamp"])
            message = {
                "id": str(number),
                "type": event["type"],
                "details": _details(event, include_data=include_data),
                "previous_event_id": str(previous),
                "event_timestamp": str(at),
                "execution_arn": execution_arn,
            }
            yield at, json.dumps(message)
        previous = number


def _is_logged(event_type: str, level: str) -> bool:
    if level == "FATAL":
        return event_type in _FATAL
    if level == "ERROR":
        return event_type == "FailStateEntered" or event_type.endswith(_ERROR_ENDINGS)
    return level == "ALL"


def _details(event: Mapping[str, Any], *, include_data: bool) -> dict[str, Any]:
    details = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    return {name: value for name, value in details.items() if include_data or name not in _DATA}


def _milliseconds(timestamp: Any) -> int:
    if isinstance(timestamp, str):
        return round(datetime.fromisoformat(timestamp).timestamp() * 1000)
    return round(float(timestamp) * 1000)
