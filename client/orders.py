"""Orders of renditions: finds them and those that failed, and has them tried again."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from client.errors import InvalidRequestError, NotFoundError
from client.jobs import is_id
from client.pipeline import Pipeline, Row, row_of
from contract.orders import FILE_KEY_INDEX, ORDER_ID, STATUS_INDEX, FailedOrderStatus, OrderStatus
from contract.redriving import OrderStore

STATUSES = tuple(OrderStatus)
FUNCTIONS, WORKFLOW = ("fulfil", "failed_order"), "order-workflow"
"""What handles orders, as the stack's outputs name them."""

_HASH_KEYS = {STATUS_INDEX: "status", FILE_KEY_INDEX: "fileKey"}
_REDRIVABLE = (OrderStatus.FAILED, OrderStatus.PROCESSING)


def newest_orders(pipeline: Pipeline, *, status: str | None = None, limit: int = 20) -> list[Row]:
    """The newest orders, newest first.

    Args:
        pipeline: the stack.
        status: one of `STATUSES`; None for all.
        limit: how many.

    Raises:
        InvalidRequestError: the stack takes no orders.
    """
    tables = _Tables(pipeline)
    keys = [key for each in ([status] if status else STATUSES) for key in tables.keys(tables.orders, each, limit)]
    return tables.rows(tables.orders, heapq.nlargest(limit, keys, key=lambda key: key["createdAt"]))


def find_order(pipeline: Pipeline, order_id: str) -> Row:
    """An order.

    Raises:
        NotFoundError: there is none with this id.
        InvalidRequestError: the stack takes no orders.
    """
    tables = _Tables(pipeline)
    if row := tables.row(tables.orders, order_id):
        return row
    raise NotFoundError(
        f"{pipeline.stack} has no order {order_id}: "
        f"`img-pipeline orders list --stack {pipeline.stack}` lists the newest"
    )


def orders_of_file(pipeline: Pipeline, file_key: str, *, limit: int = 20) -> list[Row]:
    """The newest orders of a file, newest first; none if the stack takes no orders.

    Args:
        pipeline: the stack.
        file_key: the file's key in the ingest bucket.
        limit: how many.
    """
    if not pipeline.outputs.orders_table:
        return []
    tables = _Tables(pipeline)
    return tables.rows(tables.orders, tables.keys(tables.orders, file_key, limit, index=FILE_KEY_INDEX))


def order_named(pipeline: Pipeline, wanted: str) -> Row | None:
    """The order with this id; None if it is a job's id or a file's key.

    Raises:
        NotFoundError: it is an id that neither a job nor an order has.
    """
    if not is_id(wanted) or pipeline.jobs([wanted]):
        return None
    row = _Tables(pipeline).row(pipeline.outputs.orders_table, wanted) if pipeline.outputs.orders_table else None
    if row is None:
        lists = f"`img-pipeline jobs list --stack {pipeline.stack}` and `orders list` list the newest"
        raise NotFoundError(f"{pipeline.stack} has neither a job nor an order {wanted}: {lists}")
    return row


def find_failure(pipeline: Pipeline, order_id: str) -> Row | None:
    """Why an order failed, and whether that is over; None for one that never did."""
    tables = _Tables(pipeline)
    return tables.row(tables.failed_orders, order_id)


def failed_orders(
    pipeline: Pipeline, *, status: FailedOrderStatus | None = FailedOrderStatus.OPEN, limit: int = 100
) -> list[Row]:
    """The orders that failed, the latest failure first.

    Args:
        pipeline: the stack.
        status: OPEN for those that wait for somebody; None for all.
        limit: how many.

    Raises:
        InvalidRequestError: the stack takes no orders.
    """
    tables = _Tables(pipeline)
    wanted = [status] if status else FailedOrderStatus
    keys = [key for each in wanted for key in tables.keys(tables.failed_orders, each, limit)]
    return tables.rows(tables.failed_orders, heapq.nlargest(limit, keys, key=lambda key: key["failedAt"]))


def redrive(pipeline: Pipeline, order_id: str) -> bool:
    """Have an order tried again: one that failed, or one that is processed for too long.

    It may be repeated: an order is fulfilled once, however often it is queued.

    Returns:
        False if the order failed and is no longer kept; its failure is then closed.

    Raises:
        NotFoundError: there is no such order.
        InvalidRequestError: the order was refused or is fulfilled.
    """
    tables = _Tables(pipeline)
    order, failure = tables.row(tables.orders, order_id), tables.row(tables.failed_orders, order_id)
    is_kept = order is not None
    if order is None:
        order = {**failure, "status": OrderStatus.FAILED} if failure else find_order(pipeline, order_id)
    if order["status"] not in _REDRIVABLE:
        raise InvalidRequestError(f"order {order_id} is {order['status']}: only a {OrderStatus.FAILED} one is redriven")
    store = OrderStore(
        dynamodb=pipeline.client("dynamodb"),
        sqs=pipeline.client("sqs"),
        orders_table=pipeline.outputs.orders_table,
        failed_orders_table=pipeline.outputs.failed_orders_table,
        queue_url=pipeline.outputs.order_queue_url,
    )
    if order["status"] == OrderStatus.FAILED:
        store.redrive(order, datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    else:
        store.queue(order)
    return is_kept


@dataclass(frozen=True, kw_only=True)
class Tries:
    """How many orders took a number of tries.

    Args:
        tries: how often an order was attempted.
        status: how it ended.
        orders: how many orders did so.
        predicted: how many would, if every attempt succeeded with the same probability.
    """

    tries: int
    status: OrderStatus
    orders: int
    predicted: float


def tries_of(orders: Iterable[Row], *, success_rate: float, most: int) -> list[Tries]:
    """Count the tries of orders that were not redriven, beside what the binomial distribution predicts.

    Args:
        orders: orders that ended FULFILLED or FAILED.
        success_rate: the probability that an attempt succeeds.
        most: how often an order is attempted before it is FAILED.
    """
    counted = Counter((order["status"], int(order["attempts"])) for order in orders)
    total, failure_rate = counted.total(), 1 - success_rate
    ends = [(OrderStatus.FULFILLED, tries, failure_rate ** (tries - 1) * success_rate) for tries in range(1, most + 1)]
    ends.append((OrderStatus.FAILED, most, failure_rate**most))
    return [
        Tries(tries=tries, status=status, orders=counted[status, tries], predicted=total * probability)
        for status, tries, probability in ends
    ]


class _Tables:
    """The tables of a stack that takes orders."""

    def __init__(self, pipeline: Pipeline) -> None:
        if not pipeline.outputs.orders_table:
            raise InvalidRequestError(f"{pipeline.stack} takes no orders: see the setting orders.enabled")
        self.orders, self.failed_orders = pipeline.outputs.orders_table, pipeline.outputs.failed_orders_table
        self._dynamodb = pipeline.client("dynamodb")

    def row(self, table: str, order_id: str) -> Row | None:
        key = {ORDER_ID: {"S": order_id}}
        item = self._dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return row_of(item) if item and "status" in item else None

    def rows(self, table: str, keys: Iterable[Row]) -> list[Row]:
        rows = (self.row(table, key[ORDER_ID]) for key in keys)
        return [row for row in rows if row]

    def keys(self, table: str, value: str, limit: int, *, index: str = STATUS_INDEX) -> list[Row]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=table,
            IndexName=index,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": _HASH_KEYS[index]},
            ExpressionAttributeValues={":value": {"S": value}},
            ScanIndexForward=False,
            PaginationConfig={"MaxItems": limit},
        )
        return [row_of(item) for page in pages for item in page["Items"]]
