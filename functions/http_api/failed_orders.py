"""The orders that failed at every attempt and have not been redriven."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from contract.orders import ORDER_ID, STATUS_INDEX, FailedOrderStatus
from functions.shared.aws import client
from functions.shared.rows import MAX_KEYS, Row, find_all


def open_failure(order_id: str) -> Row | None:
    """The row of one order in the failed-orders table."""
    return _open([order_id]).get(order_id)


def open_failures() -> Iterator[Row]:
    """Rows of the failed-orders table, the earliest failure first; the next page is read when it is needed."""
    pages = (
        client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=os.environ["FAILED_ORDERS_TABLE"],
            IndexName=STATUS_INDEX,
            KeyConditionExpression="#status = :open",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":open": {"S": FailedOrderStatus.OPEN.value}},
            PaginationConfig={"PageSize": MAX_KEYS},
        )
    )
    for page in pages:
        ids = [item[ORDER_ID]["S"] for item in page["Items"]]
        # The index may be behind the table.
        rows = _open(ids)
        yield from (rows[each] for each in ids if each in rows)


def _open(ids: Sequence[str]) -> dict[str, Row]:
    rows = find_all(os.environ["FAILED_ORDERS_TABLE"], ORDER_ID, ids)
    return {each: row for each, row in rows.items() if row["status"] == FailedOrderStatus.OPEN}
