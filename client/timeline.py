"""What the timelines of files and of orders have in common: their entries, and those that log lines make."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from client.pipeline import Pipeline
from contract.json_text import json_object

# Clocks of different services differ a little, and logs arrive a little late.
LOG_MARGIN = timedelta(minutes=1)
LINES_PER_SEARCH = 500
_THREADS = 6
# How Step Functions logs a write whose condition does not hold; the workflows write so to find out.
_ANSWERED_NO = ("DynamoDB.ConditionalCheckFailedException", "DynamoDb.ConditionalCheckFailedException")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that happened to a file or an order.

    Attributes:
        at: when, in the precision of its source (whole seconds for S3).
        where: the service or function that recorded it.
        what: one line.
        failed: whether it is a failure.
    """

    at: datetime
    where: str
    what: str
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """A line of a log group.

    Attributes:
        at: when it was logged.
        source: the function's short name, or that of the workflow.
        text: the line.
        fields: the line as JSON; empty where it is none.
    """

    at: datetime
    source: str
    text: str
    fields: Mapping[str, Any]


def by_time(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries in order."""
    return tuple(sorted(entries, key=lambda entry: entry.at))


def search_logs(
    pipeline: Pipeline, sources: Iterable[str], texts: Iterable[str], window: tuple[datetime, datetime]
) -> list[LogLine]:
    """The lines that contain one of the texts, each line once.

    Args:
        pipeline: the stack.
        sources: log groups by their names in the stack's outputs.
        texts: such as a file's key or an execution's name.
        window: the first and last moment, between which the lines were logged.
    """
    wanted = list(texts)
    with ThreadPoolExecutor(_THREADS) as threads:
        searches = [threads.submit(_lines, pipeline, source, text, window) for source in sources for text in wanted]
        lines = [line for each in searches for line in each.result()]
    return list({(line.at, line.source, line.text): line for line in lines}.values())


def _lines(pipeline: Pipeline, source: str, text: str, window: tuple[datetime, datetime]) -> list[LogLine]:
    logs = pipeline.client("logs")
    begin, end = (int(moment.timestamp() * 1000) for moment in window)
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=pipeline.outputs.log_groups[source],
        startTime=begin,
        endTime=end,
        filterPattern='"' + text.replace('"', '\\"') + '"',
        PaginationConfig={"MaxItems": LINES_PER_SEARCH},
    )
    try:
        events = [event for page in pages for event in page["events"] if text in event["message"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [
        LogLine(
            at=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
            source=source,
            text=event["message"].strip(),
            fields=json_object(event["message"]),
        )
        for event in events
    ]


def log_entry(line: LogLine, foreign: Collection[str | None] = ()) -> Entry | None:
    """A log line as an entry of the timeline; None if it says nothing more than the other sources do.

    Args:
        line: the line.
        foreign: names of executions that are about something else.
    """
    fields = line.fields
    if fields.get("executionName") in foreign:
        return None
    if "execution_arn" in fields:
        # Step Functions' own log ("Logging execution history events"). The rows say what succeeded.
        event, details = fields.get("type", ""), fields.get("details", {})
        error = details.get("error", "")
        if not event.endswith(("Failed", "TimedOut", "Aborted")) or error in _ANSWERED_NO:
            return None
        return Entry(at=line.at, where=line.source, what=f"{event} {error}".strip(), failed=True)
    if "outcome" in fields:
        attempt = f"attempt {fields['attempt']}: " if "attempt" in fields else ""
        cold = ", cold start" if fields.get("coldStart") else ""
        what = f"{attempt}{fields['outcome']} after {fields.get('durationMs', 0)} ms{cold}"
    else:
        what = str(fields.get("message", line.text))
    if exception := fields.get("exception"):
        what += f": {str(exception).strip().splitlines()[-1]}"
    failed = fields.get("level") in ("ERROR", "CRITICAL")
    return Entry(at=line.at, where=line.source, what=what, failed=failed)
