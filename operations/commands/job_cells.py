"""Cells about a job, for tables of different commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from client.jobs import seconds
from client.pipeline import Row

_COLOURS = {
    "COMPLETED": "green",
    "FULFILLED": "green",
    "REJECTED": "yellow",
    "FAILED": "red",
    "SUPERSEDED": "dim",
    "PENDING": "dim",
    "PROCESSING": "cyan",
}


def coloured(status: str) -> str:
    return f"[{_COLOURS.get(status, 'white')}]{status}[/]"


def seconds_text(row: Row | None) -> str:
    if row is None:
        return ""
    taken = seconds(row)
    return f"{taken:.2f}" if taken is not None else ""


def why(row: Mapping[str, Any]) -> str:
    return f"{row['reasonCode']}: {row['reason']}" if "reasonCode" in row else ""
