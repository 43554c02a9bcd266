"""Finds jobs by status, file or id, and follows them to their end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from operations.connection import Connection
from operations.errors import OperationError
from operations.interruption import Interruption
from operations.pipeline import Upload
from operations.rows import Row, job_rows, row_of
from operations.uploading import file_key

# What a job's `status` may be (components/workflow.py).
STATUSES = ("PROCESSING", "COMPLETED", "REJECTED", "FAILED", "SUPERSEDED")
POLL_SECONDS = 0.5

_JOB_ID = re.compile(r"[0-9a-f]{32}")


def newest_jobs(connection: Connection, *, status: str | None = None, limit: int = 20) -> list[Row]:
    """The jobs that began last, newest first; reads no more of the table than it returns, once for each status.

    Args:
        connection: the stack.
        status: one of `STATUSES`; None for all.
        limit: how many.
    """
    keys = [
        key
        for wanted in ([status] if status else STATUSES)
        for key in _query(connection, "status-index", "status", wanted, limit)
    ]
    newest = sorted(keys, key=lambda key: key["createdAt"], reverse=True)[:limit]
    rows = job_rows(connection, [key["jobId"] for key in newest])
    return [rows[key["jobId"]] for key in newest if key["jobId"] in rows]


def jobs_of_file(connection: Connection, name: str, *, limit: int = 20) -> list[Row]:
    """The jobs of a file's versions, newest first."""
    return _query(connection, "fileKey-index", "fileKey", file_key(name), limit)


def find_jobs(connection: Connection, wanted: str) -> list[Row]:
    """The job with this id, or the jobs of the file with this key, newest first.

    Raises:
        OperationError: there is none.
    """
    if _JOB_ID.fullmatch(wanted):
        found = list(job_rows(connection, [wanted]).values())
    else:
        found = jobs_of_file(connection, wanted)
    if not found:
        raise OperationError(
            f"{connection.stack} knows no job of {wanted}: was it uploaded under {file_key('')}? "
            f"`img-pipeline trace {wanted} --stack {connection.stack}` looks for it on its way"
        )
    return found


def deliveries(connection: Connection) -> int:
    """How often the transform queue delivers a message before it moves to the dead-letter queue."""
    attributes = connection.client("sqs").get_queue_attributes(
        QueueUrl=connection.outputs["transformQueueUrl"], AttributeNames=["RedrivePolicy"]
    )["Attributes"]
    return int(json.loads(attributes["RedrivePolicy"])["maxReceiveCount"])


def is_over(row: Mapping[str, Any], last_attempt: int) -> bool:
    """Whether nothing more happens to the job by itself: it is finished, or failed in its last delivery."""
    return "finishedAt" in row or (row["status"] == "FAILED" and row["attempt"] >= last_attempt)


def follow(
    connection: Connection,
    uploads: Iterable[Upload],
    *,
    interruption: Interruption,
    timeout_seconds: float,
    on_change: Callable[[Upload, Row], None] | None = None,
) -> dict[Upload, Row | None]:
    """Wait until the uploads' jobs are over, and return their rows; what is late comes back as it is.

    Args:
        connection: the stack.
        uploads: what to wait for.
        interruption: once requested, the waiting ends.
        timeout_seconds: the longest wait for all of them together.
        on_change: told of each row that is new or differs from before.
    """
    rows: dict[Upload, Row | None] = dict.fromkeys(uploads)
    pending = {upload.job_id: upload for upload in rows}
    last_attempt = deliveries(connection)
    deadline = interruption.now() + timeout_seconds
    while pending and not interruption.requested and interruption.now() < deadline:
        for job_id, row in job_rows(connection, pending).items():
            upload = pending[job_id]
            if on_change and row != rows[upload]:
                on_change(upload, row)
            rows[upload] = row
            if is_over(row, last_attempt):
                del pending[job_id]
        if pending:
            interruption.sleep(POLL_SECONDS)
    return rows


def seconds(row: Mapping[str, Any]) -> float | None:
    """Seconds from the job's first attempt to its end; None for a job that goes on."""
    if "finishedAt" not in row:
        return None
    return (datetime.fromisoformat(row["finishedAt"]) - datetime.fromisoformat(row["createdAt"])).total_seconds()


def _query(connection: Connection, index: str, key: str, value: str, limit: int) -> list[Row]:
    pages = (
        connection.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=connection.outputs["jobsTable"],
            IndexName=index,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": key},
            ExpressionAttributeValues={":value": {"S": value}},
            ScanIndexForward=False,
            PaginationConfig={"MaxItems": limit},
        )
    )
    return [row_of(item) for page in pages for item in page["Items"]]
