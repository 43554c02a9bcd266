"""The rows of orders: each attempt is counted, and an order is fulfilled once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from contract.orders import FULFIL_TIMEOUT_SECONDS, ORDER_ID, FailedOrderStatus, OrderStatus
from functions.shared.aws import client, error_code, failures_named
from functions.shared.errors import TransientError
from functions.shared.rows import Row, item_of, row_of, setting
from functions.shared.times import as_text, now

_IS_OPEN = f"attribute_exists({ORDER_ID}) AND attribute_not_exists(fulfilledAt)"


def begin(order_id: str) -> Row | None:
    """Count an attempt.

    Returns:
        The order's row; it has `fulfilledAt` if an earlier attempt succeeded. None if there is no such order.

    Raises:
        TransientError, AccessError: the table cannot be written, see `aws.failures_named`.
    """
    # An attempt that stops without an error must not seem to have the cause of the one before.
    change = setting({"updatedAt": as_text(now())}, remove=("code", "reason", "hint"))
    change["UpdateExpression"] += " ADD attempts :one"
    change["ExpressionAttributeValues"] |= item_of({":one": 1})
    with failures_named(f"count the attempt at order {order_id}"):
        try:
            answer = client("dynamodb").update_item(
                **_order(order_id),
                **change,
                ConditionExpression=_IS_OPEN,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            return row_of(error.response["Item"]) if "Item" in error.response else None
        return row_of(answer["Attributes"])


def record_failure(order_id: str, code: str, reason: str) -> None:
    """Record why the latest attempt failed. The order is FAILED only when it has no attempts left."""
    try:
        client("dynamodb").update_item(
            **_order(order_id), **setting({"code": code, "reason": reason}), ConditionExpression=_IS_OPEN
        )
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise


def record_fulfilment(row: Row, results: Sequence[Mapping[str, Any]]) -> None:
    """Record that an order is fulfilled, let equal orders in again, and close the order's failure if it has one.

    Args:
        row: what `begin` returned.
        results: the renditions, as assets' records have them.

    Raises:
        TransientError: something else changed the row since, or the tables cannot be written now.
        AccessError: DynamoDB refused.
    """
    at = as_text(now())
    change = setting(
        {"status": OrderStatus.FULFILLED.value, "results": list(results), "fulfilledAt": at},
        remove=("code", "reason", "hint"),
    )
    change["ExpressionAttributeValues"] |= item_of({":before": row["updatedAt"]})
    changes: list[dict[str, Any]] = [
        {"Update": {**_order(row[ORDER_ID]), **change, "ConditionExpression": "updatedAt = :before"}},
        {"Delete": _order(row["openId"])},
    ]
    if "failedAt" in row:
        closed = setting({"status": FailedOrderStatus.CLOSED.value, "closedAt": at})
        failure = {"TableName": os.environ["FAILED_ORDERS_TABLE"], "Key": item_of({ORDER_ID: row[ORDER_ID]})}
        changes.append({"Update": {**failure, **closed}})
    with failures_named(f"record that order {row[ORDER_ID]} is fulfilled"):
        client("dynamodb").transact_write_items(TransactItems=changes)


def claim_publication(order_id: str) -> None:
    """Reserve the publication for this attempt, so that two messages about an order are one notification.

    The claim of an attempt that stopped without an error is void when that attempt must have ended.

    Raises:
        TransientError: another attempt is publishing the result, or has published it since.
        AccessError: the table cannot be written, see `aws.failures_named`.
    """
    at = now()
    change = setting({"publishingAt": as_text(at)})
    ended = as_text(at - timedelta(seconds=FULFIL_TIMEOUT_SECONDS))
    change["ExpressionAttributeValues"] |= item_of({":ended": ended})
    is_free = "attribute_not_exists(publishedAt) AND (attribute_not_exists(publishingAt) OR publishingAt < :ended)"
    with failures_named(f"claim the publication of order {order_id}"):
        try:
            client("dynamodb").update_item(**_order(order_id), **change, ConditionExpression=is_free)
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            raise TransientError(f"Another attempt publishes the result of order {order_id}.") from error


def release_publication(order_id: str) -> None:
    """Let the next attempt publish the result, as this one failed to.

    Raises:
        TransientError, AccessError: the table cannot be written, see `aws.failures_named`.
    """
    with failures_named(f"release the publication of order {order_id}"):
        client("dynamodb").update_item(
            **_order(order_id),
            UpdateExpression="REMOVE publishingAt",
            ConditionExpression="attribute_not_exists(publishedAt)",
        )


def mark_published(order_id: str) -> None:
    """Record that the result is published, so that a repeated message does not publish it again.

    Raises:
        TransientError, AccessError: the table cannot be written, see `aws.failures_named`.
    """
    with failures_named(f"mark order {order_id} as published"):
        client("dynamodb").update_item(**_order(order_id), **setting({"publishedAt": as_text(now())}))


def _order(order_id: str) -> dict[str, Any]:
    return {"TableName": os.environ["ORDERS_TABLE"], "Key": item_of({ORDER_ID: order_id})}
