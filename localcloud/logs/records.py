"""Log records, and the fields that CloudWatch Logs discovers in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Record:
    """One log event.

    Args:
        pointer: identifies it in GetLogRecord.
        timestamp_ms: time of the event, in milliseconds since 1970.
        message: its text.
        log_group, log_stream: names of its log group and log stream.
    """

    pointer: str
    timestamp_ms: int
    message: str
    log_group: str
    log_stream: str

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """Fields by name: system fields, and those of a JSON message by path, such as ``details.error``."""
        system = {
            "@ptr": self.pointer,
            "@timestamp": as_time(self.timestamp_ms),
            "@message": self.message,
            "@logStream": self.log_stream,
            "@log": self.log_group,
        }
        return dict(_flattened("", parsed(self.message))) | system


def parsed(message: str) -> dict[str, Any]:
    """Return the JSON object of a message; empty if it is not one."""
    try:
        value = json.loads(message) if message.lstrip().startswith("{") else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def as_time(timestamp_ms: float) -> str:
    """Return a time in the format of Insights, in UTC: ``2026-11-20 10:00:00.123``."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _flattened(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _flattened(f"{prefix}.{name}" if prefix else name, child)
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _flattened(f"{prefix}.{position}", child)
    elif isinstance(value, bool):
        yield prefix, "1" if value else "0"
    elif value is not None:
        yield prefix, str(value)
