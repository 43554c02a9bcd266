"""Log records of a pipe, as EventBridge Pipes writes them.

Source: Amazon EventBridge User Guide, "Logging Amazon EventBridge Pipes performance", with its table of the steps that
each level logs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

_LEVELS = ("OFF", "ERROR", "INFO", "TRACE")


def pipe_log_group(pipe: Mapping[str, Any]) -> str | None:
    """Return the name of the log group of a pipe; None if it has none."""
    destination = pipe.get("LogConfiguration", {}).get("CloudwatchLogsLogDestination", {}).get("LogGroupArn", "")
    return destination.partition(":log-group:")[2].removesuffix(":*") or None


def pipe_log_record(
    pipe: Mapping[str, Any], execution_id: str, message_type: str, level: str, error: str = ""
) -> str | None:
    """Return a record as JSON; None if the pipe's log level excludes it.

    Args:
        pipe: as DescribePipe returns it.
        execution_id: one for each batch.
        message_type: the step, such as ``ExecutionStarted`` or ``TargetInvocationFailed``.
        level: the step's level: ERROR, INFO or TRACE.
        error: the error message of a failed step.
    """
    logged = pipe.get("LogConfiguration", {}).get("Level", "OFF")
    if _LEVELS.index(level) > _LEVELS.index(logged):
        return None
    record: dict[str, Any] = {
        "resourceArn": pipe["Arn"],
        "timestamp": round(time.time() * 1000),
        "executionId": execution_id,
        "messageType": message_type,
        "logLevel": level,
    }
    return json.dumps(record | ({"error": {"message": error}} if error else {}))
