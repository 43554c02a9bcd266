"""Failed orders: the row with the cause, the order's status, and the alert."""

from __future__ import annotations

import os
from typing import Any

from contract.orders import ORDER_ID, FailedOrderStatus, OrderStatus
from functions.shared.aws import client, failures_named
from functions.shared.rows import Row, item_of, setting
from functions.shared.times import as_text, now

NO_ANSWER = "NO_ANSWER"
_NO_ANSWER_REASON = "The function stopped without an error: it ran out of time or memory."
_HINTS = {
    "SourceMissingError": "The file was deleted, so the order cannot be fulfilled.",
    "ConfigurationError": "Correct the setting that the reason names and deploy, then redrive the order.",
    "AccessError": "Give the function the permission that the reason names, then redrive the order.",
    "SimulatedError": "Set orders.successRate to 1, or redrive the order to have it tried again.",
    NO_ANSWER: "Raise the transforms' memoryMb, from which the function's is taken, then redrive the order.",
}
_HINT = "Search the function's log for the orderId, correct the cause, then redrive the order."
_MAX_SUBJECT_CHARACTERS = 100


def fail(row: Row) -> Row:
    """Mark an order as FAILED, record why, and let equal orders in again.

    Returns:
        The row of the failed-orders table.

    Raises:
        TransientError: something else changed the order since, or the tables cannot be written now.
        AccessError: DynamoDB refused.
    """
    code, at = row.get("code", NO_ANSWER), as_text(now())
    cause = {"code": code, "reason": row.get("reason", _NO_ANSWER_REASON), "hint": _HINTS.get(code, _HINT)}
    copied = {name: row[name] for name in (ORDER_ID, "owner", "fileKey", "renditions", "reference", "attempts")}
    failure = {**copied, **cause, "status": FailedOrderStatus.OPEN.value, "failedAt": at}
    change = setting({"status": OrderStatus.FAILED.value, "failedAt": at, **cause})
    change["ExpressionAttributeValues"] |= item_of({":before": row["updatedAt"]})
    unchanged = "updatedAt = :before AND attribute_not_exists(fulfilledAt)"
    with failures_named(f"record that order {row[ORDER_ID]} failed"):
        client("dynamodb").transact_write_items(
            TransactItems=[
                {"Put": {"TableName": os.environ["FAILED_ORDERS_TABLE"], "Item": item_of(failure)}},
                {"Update": {**_order(row[ORDER_ID]), **change, "ConditionExpression": unchanged}},
                {"Delete": _order(row["openId"])},
            ]
        )
    return failure


def alert(failure: Row) -> None:
    """Tell the operators which order failed, why, and what to do.

    Raises:
        TransientError, AccessError: SNS refused, see `aws.failures_named`.
    """
    stack, order_id = os.environ["STACK"], failure[ORDER_ID]
    lines = [
        f"Order {order_id} of {failure['fileKey']} failed after {failure['attempts']} attempts.",
        f"{failure['code']}: {failure['reason']}",
        failure["hint"],
        f"img-pipeline orders show {order_id} --stack {stack}",
        f"img-pipeline orders redrive {order_id} --stack {stack}",
    ]
    with failures_named("publish the alert"):
        client("sns").publish(
            TopicArn=os.environ["ALERT_TOPIC_ARN"],
            Subject=f"img-pipeline {stack}: order {order_id} failed"[:_MAX_SUBJECT_CHARACTERS],
            Message="\n".join(lines),
        )


def _order(order_id: str) -> dict[str, Any]:
    return {"TableName": os.environ["ORDERS_TABLE"], "Key": item_of({ORDER_ID: order_id})}
