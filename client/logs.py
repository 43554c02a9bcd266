"""What the functions logged about a file or an order: structured lines, and what a handler printed or raised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from client.jobs import find_jobs
from client.orders import FUNCTIONS
from client.pipeline import Pipeline, Row
from contract.json_text import json_object
from contract.orders import ORDER_ID, OrderStatus

# Clocks of different services differ a little, and a line may be later than the row that it belongs to.
MARGIN = timedelta(seconds=5)
EVENTS_PER_FUNCTION = 10_000
# How the lines begin that Lambda itself writes about an invocation.
STARTED, REPORTED = "START RequestId", "REPORT RequestId"
_THREADS = 6


@dataclass(frozen=True, kw_only=True)
class LoggedLine:
    """A line of a function's log.

    Attributes:
        at: when it was logged.
        function: the function's short name.
        text: the line.
        named: whether its invocation names the file or order. A handler without structured logs names none; its lines
            are found by their time only, and may be about something else.
    """

    at: datetime
    function: str
    text: str
    named: bool


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """What lines are wanted about.

    Attributes:
        field: the field of structured lines that names it.
        value: its value.
        functions: short names of the functions that may have logged about it.
        begin, end: the time in which they did, in ISO 8601.
    """

    field: str
    value: str
    functions: Iterable[str]
    begin: str
    end: str


def logs_of_file(pipeline: Pipeline, wanted: str) -> list[LoggedLine]:
    """Every line that the functions logged while they processed a file, ordered by time.

    Args:
        pipeline: the stack.
        wanted: a job's id, or a file's key for its newest job.

    Raises:
        NotFoundError: there is no such job.
    """
    job = find_jobs(pipeline, wanted)[0]
    return _lines(
        pipeline,
        _Subject(
            field="fileKey",
            value=job["fileKey"],
            functions=pipeline.outputs.function_names,
            begin=job["createdAt"],
            end=job["updatedAt"],
        ),
    )


def logs_of_order(pipeline: Pipeline, order: Row) -> list[LoggedLine]:
    """Every line that the functions logged while they fulfilled an order or gave it up, ordered by time.

    Args:
        pipeline: the stack.
        order: its row.
    """
    # An attempt begins with the change of the row, and its line is written at its end.
    ended = (order[name] for name in ("failedAt", "publishedAt") if name in order)
    end = max(ended) if order["status"] != OrderStatus.PROCESSING else datetime.now(UTC).isoformat()
    return _lines(
        pipeline,
        _Subject(field=ORDER_ID, value=order[ORDER_ID], functions=FUNCTIONS, begin=order["createdAt"], end=end),
    )


def _lines(pipeline: Pipeline, subject: _Subject) -> list[LoggedLine]:
    with ThreadPoolExecutor(_THREADS) as threads:
        searches = [
            threads.submit(lambda name: list(_function_lines(pipeline, name, subject)), name)
            for name in subject.functions
        ]
        lines = [line for search in searches for line in search.result()]
    return sorted(lines, key=lambda line: line.at)


def _function_lines(pipeline: Pipeline, function: str, subject: _Subject) -> Iterator[LoggedLine]:
    for invocation in _invocations(pipeline, function, subject):
        named = [json_object(event["message"]).get(subject.field) for event in invocation]
        if any(named) and subject.value not in named:
            continue
        for event, value in zip(invocation, named, strict=True):
            # A batch of orders has a line about each.
            if value in (None, "", subject.value):
                yield LoggedLine(
                    at=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
                    function=function,
                    text=event["message"].rstrip(),
                    named=any(named),
                )


def _invocations(pipeline: Pipeline, function: str, subject: _Subject) -> Iterator[list[dict[str, Any]]]:
    """The events of each invocation that began in the time; lines before START belong to the invocation that starts."""
    logs = pipeline.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=pipeline.outputs.log_groups[function],
        startTime=_milliseconds(subject.begin, -MARGIN),
        endTime=_milliseconds(subject.end, MARGIN),
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
            if event["message"].startswith(REPORTED):
                if any(each["message"].startswith(STARTED) for each in invocation):
                    yield invocation
                invocation = []
        if invocation:
            yield invocation


def _milliseconds(time: str, margin: timedelta) -> int:
    return round((datetime.fromisoformat(time) + margin).timestamp() * 1000)
