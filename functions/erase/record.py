"""The record of a deleted file: it holds nothing of the file, and refuses late events of its older versions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from contract.assets import DELETED_AT, DELETED_DAYS, DELETED_RUN, PROCESSED_VERSION, recorded
from functions.erase.deletion import Deletion
from functions.shared.aws import error_code, failures_named

# What remains of a record besides its key: what subscribers filter by.
_REMOVED = (
    "bucket",
    "bytes",
    "executionName",
    "jobId",
    "measures",
    "metadata",
    "owner",
    "persistedAt",
    PROCESSED_VERSION,
    "publishedAt",
    "renditions",
    "sha256",
    "shard",
    "traceId",
)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The record after a deletion.

    Args:
        media_type: of the asset that is no more; "" if the file had no record, or has a newer one.
        keeps_renditions: whether the record stays and refers to what was made from the deleted version, because a later
            upload had the same content.
    """

    media_type: str = ""
    keeps_renditions: bool = False


def record_deletion(dynamodb: Any, table: str, deletion: Deletion) -> Recorded:
    """Turn a file's record into that of a deleted file, unless it is of a newer version.

    Done before anything is removed: a run that is still working on an older version can then not record it any more,
    and the workflow removes what that run has made.

    Args:
        dynamodb: a DynamoDB client.
        table: the assets table.
        deletion: what was deleted.

    Raises:
        TransientError, AccessError: the table could not be written, see `aws.failures_named`.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    values = {
        "versionId": {"S": deletion.version_id},
        "run": {"S": DELETED_RUN},
        DELETED_AT: {"S": now},
        "expiresAt": {"N": str(int(time.time()) + DELETED_DAYS * 24 * 60 * 60)},
        "eventTime": {"S": deletion.requested_at},
    }
    if deletion.version_only:
        # A record that says so already is rewritten for the same event only, and not when its delete marker is removed.
        condition = f"#versionId = :versionId AND (attribute_not_exists(#{DELETED_AT}) OR #eventTime = :eventTime)"
    else:
        values["sequencer"] = {"S": deletion.sequencer}
        condition = "attribute_not_exists(fileKey) OR #sequencer <= :sequencer"
    changes = ", ".join(f"#{name} = :{name}" for name in values)
    with failures_named(f"write to {table}"):
        try:
            answer = dynamodb.update_item(
                TableName=table,
                Key={"fileKey": {"S": deletion.file_key}},
                UpdateExpression=f"SET {changes} REMOVE {', '.join(f'#{name}' for name in _REMOVED)}",
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in (*values, *_REMOVED)},
                ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                kept: Any = error.response.get("Item", {})
                processed = kept.get(PROCESSED_VERSION, {}).get("S")
                return Recorded(keeps_renditions=deletion.version_only and processed == deletion.version_id)
            raise
    if of_transforms := recorded(answer["Attributes"]):
        _remove(dynamodb, table, deletion.file_key, list(of_transforms), deleted_at=now)
    return Recorded(media_type=answer["Attributes"].get("mediaType", {}).get("S", ""))


def _remove(dynamodb: Any, table: str, file_key: str, names: Sequence[str], *, deleted_at: str) -> None:
    """Remove attributes from the record of a deletion, unless a newer version has replaced it."""
    placeholders = {f"#{number}": name for number, name in enumerate(names)}
    with failures_named(f"write to {table}"):
        try:
            dynamodb.update_item(
                TableName=table,
                Key={"fileKey": {"S": file_key}},
                UpdateExpression=f"REMOVE {', '.join(placeholders)}",
                ConditionExpression=f"{DELETED_AT} = :deletedAt",
                ExpressionAttributeNames=placeholders,
                ExpressionAttributeValues={":deletedAt": {"S": deleted_at}},
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
