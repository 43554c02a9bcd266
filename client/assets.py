"""Finds the record of a file, and deletes a file with its renditions and records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from client.audit import audited
from client.errors import ActionFailedError, NotFoundError
from client.pipeline import Pipeline, Row
from client.uploads import file_key, is_stored
from contract.assets import DELETED_AT, recorded
from contract.clock import Clock, SystemClock

POLL_SECONDS = 0.5


def find_asset(pipeline: Pipeline, name: str) -> Row:
    """The record of a file, named with or without `uploads/`.

    Raises:
        NotFoundError: there is none, or the file was deleted.
    """
    key = file_key(name)
    row = pipeline.records([key]).get(key)
    if row is None:
        raise NotFoundError(
            f"{pipeline.stack} has no record of {key}: "
            f"`img-pipeline jobs show {key} --stack {pipeline.stack}` shows the reason"
        )
    if DELETED_AT in row:
        raise deleted_error(row)
    return row


def table_facts(asset: Mapping[str, Any]) -> Row:
    """What is recorded of a table: rowCount, quarantined, columns, status, fileId and fileName; empty for a picture."""
    facts = recorded(asset)
    return facts if "rowCount" in facts else {}


def deleted_error(row: Row) -> NotFoundError:
    """The error about a file that was deleted."""
    return NotFoundError(f"{row['fileKey']} was deleted at {row[DELETED_AT]}: upload the file again to have it back")


def check_deletable(pipeline: Pipeline, key: str) -> None:
    """Refuse a file that is not there; one without a record, such as a rejected one, may be deleted.

    Raises:
        NotFoundError: the stack has neither a record nor an original of the file.
    """
    if not is_stored(pipeline, key):
        find_asset(pipeline, key)


def delete_asset(pipeline: Pipeline, key: str, *, timeout_seconds: float, clock: Clock | None = None) -> Row:
    """Put a delete marker on a file's original, and wait until the workflow has recorded the deletion.

    Args:
        pipeline: the stack.
        key: the file's key in the ingest bucket.
        timeout_seconds: the longest wait.
        clock: measures it.

    Returns:
        The record of the deleted file.

    Raises:
        NotFoundError: there is no such file.
        ActionFailedError: the file is marked as deleted, and its record does not say so yet.
    """
    clock = clock or SystemClock()
    check_deletable(pipeline, key)
    with audited(pipeline, "asset delete", key=key) as action:
        marker = pipeline.client("s3").delete_object(Bucket=pipeline.outputs.ingest_bucket, Key=key)["VersionId"]
        action.counts = {"marked": 1}
        deadline = clock.now() + timeout_seconds
        while clock.now() < deadline:
            row = pipeline.records([key]).get(key, {})
            if DELETED_AT in row and row["versionId"] == marker:
                return row
            clock.sleep(POLL_SECONDS)
        raise ActionFailedError(
            f"{key} is marked as deleted, but its record does not say so after {timeout_seconds:g} seconds: "
            f"`img-pipeline drain --stack {pipeline.stack}` shows what is waiting"
        )
