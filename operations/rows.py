"""Rows of the jobs and assets tables, many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from operations.connection import Connection

# What DynamoDB takes in one call ("BatchGetItem", Amazon DynamoDB API Reference).
ROWS_PER_CALL = 100

Row = dict[str, Any]

_deserializer = TypeDeserializer()


def job_rows(connection: Connection, job_ids: Iterable[str]) -> dict[str, Row]:
    """The jobs' rows by job id; what has no row is missing."""
    return _rows(connection, connection.outputs["jobsTable"], "jobId", job_ids)


def asset_rows(connection: Connection, file_keys: Iterable[str]) -> dict[str, Row]:
    """The files' rows of the assets table by key; what has no row is missing."""
    return _rows(connection, connection.outputs["assetsTable"], "fileKey", file_keys)


def scan_assets(connection: Connection, prefix: str) -> Iterator[Row]:
    """Every row of the assets table whose key begins with `prefix`; reads the whole table, page by page."""
    pages = connection.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(
        TableName=connection.outputs["assetsTable"],
        FilterExpression="begins_with(fileKey, :prefix)",
        ExpressionAttributeValues={":prefix": {"S": prefix}},
    ):
        yield from (row_of(item) for item in page["Items"])


def row_of(item: Mapping[str, Any]) -> Row:
    """An item of DynamoDB's as Python values."""
    return {name: _deserializer.deserialize(value) for name, value in item.items()}


def _rows(connection: Connection, table: str, key: str, values: Iterable[str]) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    wanted = iter(dict.fromkeys(values))
    while portion := list(islice(wanted, ROWS_PER_CALL)):
        rows |= {row[key]: row for row in _portion(connection, table, [{key: {"S": value}} for value in portion])}
    return rows


def _portion(connection: Connection, table: str, keys: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    request: Mapping[str, Any] = {table: {"Keys": keys, "ConsistentRead": True}}
    while request:
        answer = connection.client("dynamodb").batch_get_item(RequestItems=request)
        yield from (row_of(item) for item in answer["Responses"].get(table, []))
        # What did not fit into one answer, or was throttled.
        request = answer.get("UnprocessedKeys", {})
