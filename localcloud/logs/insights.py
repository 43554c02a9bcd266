"""Runs CloudWatch Logs Insights queries over log records."""

from __future__ import annotations

from collections.abc import Sequence

from localcloud.logs.records import Record
from localcloud.logs.steps import Row, Stats
from localcloud.logs.syntax import parse

DEFAULT_LIMIT = 10_000
DEFAULT_FIELDS = ("@timestamp", "@message")


def run_query(query: str, records: Sequence[Record], limit: int = DEFAULT_LIMIT) -> list[Row]:
    """Run a query.

    Args:
        query: its text.
        records: the records of its log groups within its time range.
        limit: maximum number of rows; the query can have a lower limit.

    Returns:
        Rows of fields by name, in the order of the query; the newest first if it does not sort.

    Raises:
        MalformedQueryError: the query is malformed or not supported.
    """
    steps = parse(query)
    rows = [dict(record.fields) for record in sorted(records, key=lambda record: -record.timestamp_ms)]
    shown: list[str] = []
    for step in steps:
        rows = step.run(rows)
        shown = step.columns(shown)
    if not any(isinstance(step, Stats) for step in steps):
        shown = [*(shown or DEFAULT_FIELDS), "@ptr"]
    return [{name: row[name] for name in shown if name in row} for row in rows[:limit]]
