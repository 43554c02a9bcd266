"""Removes from a deleted file's jobs what its uploader said of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from contract.assets import DELETED_AT
from contract.jobs import FILE_KEY_INDEX, possible_job_ids
from functions.erase.deletion import Deletion
from functions.shared.aws import error_code, failures_named

_REMOVED = ("fileName", "callbackUrl")


def remove_personal_data(dynamodb: Any, table: str, deletion: Deletion) -> int:
    """Mark the jobs of the deleted versions, and remove the name that the uploader gave the file, and the callback.

    Args:
        dynamodb: a DynamoDB client.
        table: the jobs table.
        deletion: what was deleted.

    Returns:
        How many jobs were marked.

    Raises:
        TransientError, AccessError: the table could not be read or written, see `aws.failures_named`.
    """
    return sum(_mark(dynamodb, table, job_id, deletion) for job_id in _job_ids(dynamodb, table, deletion))


def _job_ids(dynamodb: Any, table: str, deletion: Deletion) -> Iterator[str]:
    if deletion.version_only:
        yield from possible_job_ids(deletion.bucket, deletion.file_key, deletion.version_id)
        return
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        IndexName=FILE_KEY_INDEX,
        KeyConditionExpression="fileKey = :fileKey",
        ExpressionAttributeValues={":fileKey": {"S": deletion.file_key}},
        ProjectionExpression="jobId",
    )
    with failures_named(f"read the jobs of {deletion.file_key} from {table}"):
        yield from (item["jobId"]["S"] for page in pages for item in page["Items"])


def _mark(dynamodb: Any, table: str, job_id: str, deletion: Deletion) -> bool:
    """Mark one job, unless it is of a newer version or, where only one version was deleted, of another."""
    values = {DELETED_AT: {"S": datetime.now(UTC).isoformat(timespec="milliseconds")}}
    if deletion.version_only:
        values["versionId"] = {"S": deletion.version_id}
        condition = "versionId = :versionId"
    else:
        values["sequencer"] = {"S": deletion.sequencer}
        condition = "sequencer <= :sequencer"
    with failures_named(f"write to {table}"):
        try:
            dynamodb.update_item(
                TableName=table,
                Key={"jobId": {"S": job_id}},
                UpdateExpression=f"SET {DELETED_AT} = :{DELETED_AT} REMOVE {', '.join(_REMOVED)}",
                ConditionExpression=condition,
                ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
    return True
