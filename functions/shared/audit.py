"""Lines of the stack's audit log, whose group is the variable `AUDIT_LOG_GROUP`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from functions.shared.aws import client, error_code, failures_named


def write_line(function: str, line: Mapping[str, Any]) -> None:
    """Write a line to the function's stream of the day.

    Args:
        function: the short name of the function.
        line: what it says beside the time, `at`.

    Raises:
        TransientError, AccessError: it could not be written, see `aws.failures_named`.
    """
    logs, group, now = client("logs"), os.environ["AUDIT_LOG_GROUP"], datetime.now(UTC)
    stream = f"{now:%Y/%m/%d}/{function}"
    text = json.dumps({"at": now.isoformat(timespec="milliseconds"), **line})
    with failures_named(f"write to {group}"):
        try:
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except ClientError as error:
            if error_code(error) != "ResourceAlreadyExistsException":
                raise
        logs.put_log_events(
            logGroupName=group,
            logStreamName=stream,
            logEvents=[{"timestamp": int(time.time() * 1000), "message": text}],
        )
