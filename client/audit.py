"""The audit log: one line at the start of every action that changes a stack, one at its end.

The lines go to the stack's audit log group and to a file on the operator's machine. The first is written before
anything is changed, so that no action is performed without an audit line, and a killed one is visible.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from client.errors import ActionFailedError
from client.pipeline import Pipeline
from contract.audit import Action, ended, started

# Of log stream names ("CreateLogStream", Amazon CloudWatch Logs API Reference).
_NOT_IN_STREAM_NAMES = re.compile(r"[:*]")


@contextmanager
def audited(pipeline: Pipeline, action: str, **details: Any) -> Iterator[Action]:
    """Log the start of an action and its end: completed, interrupted or failed.

    Args:
        action: the command, for example "dlq replay".
        details: what it acts on: queue, filter, rate.

    Raises:
        ActionFailedError: the first line could not be written; nothing was changed.
    """
    log = _Log(pipeline)
    line = started(action, who=log.who, stack=pipeline.stack, **details)
    try:
        log.write(line)
    except (ClientError, BotoCoreError, OSError) as error:
        raise ActionFailedError(f"nothing was changed, as the audit line could not be written: {error}") from error
    with ended(log.write, line) as performed:
        yield performed


def audit_file(stack: str) -> Path:
    """The file of a stack's audit lines on this machine (XDG Base Directory Specification, state)."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "img-pipeline" / stack / "audit.jsonl"


class _Log:
    def __init__(self, pipeline: Pipeline) -> None:
        if "audit" not in pipeline.outputs.log_groups:
            raise ActionFailedError(f"stack {pipeline.stack} has no audit log group: deploy it again, then repeat this")
        self._connection = pipeline
        self._group = pipeline.outputs.log_groups["audit"]

    @cached_property
    def who(self) -> Mapping[str, str]:
        """The caller's ARN, and their user name on this machine."""
        return {
            "arn": self._connection.client("sts").get_caller_identity()["Arn"],
            "user": f"{getpass.getuser()}@{socket.gethostname()}",
        }

    def write(self, line: Mapping[str, Any]) -> None:
        text = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **line})
        path = audit_file(self._connection.stack)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
        self._connection.client("logs").put_log_events(
            logGroupName=self._group,
            logStreamName=self._stream,
            logEvents=[{"timestamp": int(time.time() * 1000), "message": text}],
        )

    @cached_property
    def _stream(self) -> str:
        """One stream a day and operator."""
        name = _NOT_IN_STREAM_NAMES.sub("_", f"{datetime.now(UTC):%Y/%m/%d}/{self.who['user']}")
        logs = self._connection.client("logs")
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_stream(logGroupName=self._group, logStreamName=name)
        return name
