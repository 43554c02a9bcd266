"""One line in the stack's audit log for each deletion, in the form of those that operators' commands leave."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from functions.erase.deletion import Deletion
from functions.shared.aws import error_code, failures_named


def write_line(logs: Any, group: str, deletion: Deletion, counts: dict[str, int]) -> None:
    """Write down that a file was deleted and what was removed with it.

    Args:
        logs: a CloudWatch Logs client.
        group: the audit log group.
        deletion: what was deleted.
        counts: how many of each kind were removed.

    Raises:
        TransientError, AccessError: the line could not be written, see `aws.failures_named`.
    """
    now = datetime.now(UTC)
    line = {
        "at": now.isoformat(timespec="milliseconds"),
        "id": deletion.version_id,
        "who": {"arn": deletion.requested_by},
        "action": "asset erase",
        "fileKey": deletion.file_key,
        "deletedAt": deletion.requested_at,
        "event": "completed",
        "counts": counts,
    }
    stream = f"{now:%Y/%m/%d}/erase"
    with failures_named(f"write to {group}"):
        try:
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except ClientError as error:
            if error_code(error) != "ResourceAlreadyExistsException":
                raise
        logs.put_log_events(
            logGroupName=group,
            logStreamName=stream,
            logEvents=[{"timestamp": int(time.time() * 1000), "message": json.dumps(line)}],
        )
