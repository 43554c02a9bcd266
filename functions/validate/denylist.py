"""The deny-list: a table of SHA-256 digests that operators maintain, each with an optional note for the uploader."""

from __future__ import annotations

from typing import Any

from functions.shared.aws import failures_named


def note_for(dynamodb: Any, table: str, sha256: str) -> str | None:
    """The note of a listed digest, "" if it has none; None for a digest that is not listed.

    Args:
        dynamodb: a DynamoDB client.
        table: the table's name; its key is `sha256`.
        sha256: lower-case hex.

    Raises:
        TransientError, AccessError: the table could not be read, see `aws.failures_named`.
    """
    with failures_named(f"read the deny-list {table}"):
        item = dynamodb.get_item(TableName=table, Key={"sha256": {"S": sha256}}).get("Item")
    return None if item is None else item.get("note", {}).get("S", "")
