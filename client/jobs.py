"""Finds jobs by status, file or id, and waits until they are over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from client.errors import NotFoundError
from client.pipeline import Pipeline, Row, is_finished, row_of
from client.uploads import Upload, file_key
from contract.clock import Clock
from contract.jobs import FILE_KEY_INDEX, JOB_ID_DIGITS, STATUS_INDEX, JobStatus

STATUSES = tuple(JobStatus)
POLL_SECONDS = 0.5

_ID = re.compile(rf"[0-9a-f]{{{JOB_ID_DIGITS}}}")


def is_id(wanted: str) -> bool:
    """Whether this has the form of a job's id, which is that of an order's id, and of no file's key."""
    return bool(_ID.fullmatch(wanted))


def newest_jobs(pipeline: Pipeline, *, status: str | None = None, limit: int = 20) -> list[Row]:
    """The newest jobs, newest first; reads no more of the table than it returns, once for each status.

    Args:
        pipeline: the stack.
        status: one of `STATUSES`; None for all.
        limit: how many.
    """
    keys = [
        key
        for wanted in ([status] if status else STATUSES)
        for key in _query(pipeline, STATUS_INDEX, "status", wanted, limit)
    ]
    newest = sorted(keys, key=lambda key: key["createdAt"], reverse=True)[:limit]
    rows = pipeline.jobs(key["jobId"] for key in newest)
    return [rows[key["jobId"]] for key in newest if key["jobId"] in rows]


def jobs_of_file(pipeline: Pipeline, name: str, *, limit: int = 20) -> list[Row]:
    """The jobs of a file's versions, newest first."""
    return _query(pipeline, FILE_KEY_INDEX, "fileKey", file_key(name), limit)


def find_jobs(pipeline: Pipeline, wanted: str) -> list[Row]:
    """The job with this id, or the jobs of the file with this key, newest first.

    Raises:
        NotFoundError: there is none.
    """
    if is_id(wanted):
        if row := pipeline.jobs([wanted]).get(wanted):
            return [row]
        raise NotFoundError(
            f"{pipeline.stack} has no job {wanted}: "
            f"`img-pipeline jobs list --stack {pipeline.stack}` lists the newest jobs"
        )
    if found := jobs_of_file(pipeline, wanted):
        return found
    raise NotFoundError(
        f"{pipeline.stack} has no job for {wanted}: was it uploaded under {file_key('')}? "
        f"`img-pipeline trace {wanted} --stack {pipeline.stack}` shows where it is"
    )


def deliveries(pipeline: Pipeline) -> int:
    """How often the transform queue delivers a message before it moves to the dead-letter queue."""
    return pipeline.queue(pipeline.outputs.transform_queue_url).max_receive_count()


def is_over(row: Mapping[str, Any], last_attempt: int) -> bool:
    """Whether the job is over: finished, or failed in its last delivery."""
    return is_finished(row) or (row["status"] == "FAILED" and row["attempt"] >= last_attempt)


def follow(
    pipeline: Pipeline,
    uploads: Iterable[Upload],
    *,
    clock: Clock,
    timeout_seconds: float,
    on_change: Callable[[Upload, Row], None] | None = None,
) -> dict[Upload, Row | None]:
    """Wait until the uploads' jobs are over; see `Pipeline.await_jobs`."""
    last_attempt = deliveries(pipeline)
    return pipeline.await_jobs(
        uploads,
        timeout_seconds=timeout_seconds,
        is_over=lambda row: is_over(row, last_attempt),
        on_change=on_change,
        poll_seconds=POLL_SECONDS,
        clock=clock,
    )


def seconds(row: Mapping[str, Any]) -> float | None:
    """Seconds from the job's first attempt to its end; None for a job that is not finished."""
    if not is_finished(row):
        return None
    return (datetime.fromisoformat(row["finishedAt"]) - datetime.fromisoformat(row["createdAt"])).total_seconds()


def _query(pipeline: Pipeline, index: str, key: str, value: str, limit: int) -> list[Row]:
    pages = (
        pipeline.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=pipeline.outputs.jobs_table,
            IndexName=index,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": key},
            ExpressionAttributeValues={":value": {"S": value}},
            ScanIndexForward=False,
            PaginationConfig={"MaxItems": limit},
        )
    )
    return [row_of(item) for page in pages for item in page["Items"]]
