"""The log of a pipe as EventBridge Pipes writes it.

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
    """The name of the log group that a pipe logs to; None for a pipe that logs nothing there."""
    destination = pipe.get("LogConfiguration", {}).get("CloudwatchLogsLogDestination", {}).get("LogGroupArn", "")
    return destination.partition(":log-group:")[2].removesuffix(":*") or None


def pipe_log_record(
    pipe: Mapping[str, Any], execution_id: str, message_type: str, level: str, error: str = ""
) -> str | None:
    """A record as JSON; None where the pipe's level leaves it out.

    Args:
        pipe: as DescribePipe gives it.
        execution_id: one for each batch.
        message_type: the step, such as ``ExecutionStarted`` or ``TargetInvocationFailed``.
        level: the step's level: ERROR, INFO or TRACE.
        error: why the step failed.
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
