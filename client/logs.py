"""What the functions logged about one file: structured lines, and what a handler printed or raised."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from client.jobs import find_jobs
from client.pipeline import Pipeline, Row
from contract.json_text import json_object

# Clocks of different services differ a little, and a line may be later than the row that it belongs to.
MARGIN = timedelta(seconds=5)
EVENTS_PER_FUNCTION = 10_000
_THREADS = 6


@dataclass(frozen=True, kw_only=True)
class LoggedLine:
    """A line of a function's log.

    Attributes:
        at: when it was logged.
        function: the function's short name.
        text: the line.
        names_file: whether its invocation names the file. A handler without structured logs names none; its lines are
            found by their time only, and may be about another file.
    """

    at: datetime
    function: str
    text: str
    names_file: bool


def logs_of_file(pipeline: Pipeline, wanted: str) -> list[LoggedLine]:
    """Every line that the functions logged while they processed a file, ordered by time.

    Args:
        pipeline: the stack.
        wanted: a job's id, or a file's key for its newest job.

    Raises:
        NotFoundError: there is no such job.
    """
    job = find_jobs(pipeline, wanted)[0]
    with ThreadPoolExecutor(_THREADS) as threads:
        searches = [
            threads.submit(lambda name: list(_function_lines(pipeline, name, job)), name)
            for name in pipeline.outputs.function_names
        ]
        lines = [line for search in searches for line in search.result()]
    return sorted(lines, key=lambda line: line.at)


def _function_lines(pipeline: Pipeline, function: str, job: Row) -> Iterator[LoggedLine]:
    for invocation in _invocations(pipeline, function, job):
        fields = [json_object(event["message"]) for event in invocation]
        files = {each["fileKey"] for each in fields if each.get("fileKey")}
        if files and job["fileKey"] not in files:
            continue
        for event in invocation:
            yield LoggedLine(
                at=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
                function=function,
                text=event["message"].rstrip(),
                names_file=bool(files),
            )


def _invocations(pipeline: Pipeline, function: str, job: Row) -> Iterator[list[dict[str, Any]]]:
    """The events of each invocation within the job's time; lines before START belong to the invocation that starts."""
    logs = pipeline.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=pipeline.outputs.log_groups[function],
        startTime=_milliseconds(job["createdAt"], -MARGIN),
        endTime=_milliseconds(job["updatedAt"], MARGIN),
        PaginationConfig={"MaxItems": EVENTS_PER_FUNCTION},
    )
    streams: dict[str, list[dict[str, Any]]] = {}
    try:
        for page in pages:
            for event in page["events"]:
                streams.setdefault(event["logStreamName"], []).append(event)
    except logs.exceptions.ResourceNotFoundException:
        return
    for events in streams.values():
        invocation: list[dict[str, Any]] = []
        for event in events:
            invocation.append(event)
            if event["message"].startswith("REPORT RequestId"):
                yield invocation
                invocation = []
        if invocation:
            yield invocation


def _milliseconds(time: str, margin: timedelta) -> int:
    return round((datetime.fromisoformat(time) + margin).timestamp() * 1000)
