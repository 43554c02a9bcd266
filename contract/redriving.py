"""Has failed orders tried again: each is fulfilled once, however often it is queued."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.orders import ORDER_ID, FailedOrderStatus, OrderStatus, order_message

# So that an attempt and the change of the order's status do not write the same row at the same time.
_DELAY_SECONDS = 1
_REFUSED = "ConditionalCheckFailed"


@dataclass(frozen=True, kw_only=True)
class OrderStore:
    """Where a stack's orders are.

    Args:
        dynamodb, sqs: clients of boto3 or botocore.
        orders_table, failed_orders_table: the tables' names.
        queue_url: the order queue.
    """

    dynamodb: Any
    sqs: Any
    orders_table: str
    failed_orders_table: str
    queue_url: str

    def queue(self, order: Mapping[str, Any]) -> None:
        """Have an order attempted in a moment; `order` has its id and file."""
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=order_message(order[ORDER_ID], order["fileKey"]),
            DelaySeconds=_DELAY_SECONDS,
        )

    def redrive(self, failed: Mapping[str, Any], now: str) -> bool:
        """Have a failed order attempted again, and mark its failure as redriven.

        It is queued first: an order that is marked and not queued would never be attempted, while one that is queued
        and not marked is fulfilled nevertheless. The failure of an order that is no longer kept is closed.

        Args:
            failed: a row of either table: the order's id, its file and when it failed.
            now: the time in the tables' format.

        Returns:
            False if the order is not FAILED any more, has failed again since, or is no longer kept.

        Raises:
            ClientError: DynamoDB or SQS refused. It may be repeated.
        """
        self.queue(failed)
        redriven = {"status": FailedOrderStatus.REDRIVEN, "redrivenAt": now}
        try:
            self.dynamodb.transact_write_items(
                TransactItems=[
                    self._change(self.failed_orders_table, failed, FailedOrderStatus.OPEN, redriven),
                    # Without the time of the update, by which an attempt that has begun recognises the order.
                    self._change(self.orders_table, failed, OrderStatus.FAILED, {"status": OrderStatus.PROCESSING}),
                ]
            )
        except self.dynamodb.exceptions.TransactionCanceledException as error:
            reasons = error.response["CancellationReasons"]
            if _REFUSED not in {each["Code"] for each in reasons}:
                raise
            of_order = reasons[1]
            if of_order["Code"] == _REFUSED and "Item" not in of_order:
                self._close(failed, now)
            return False
        return True

    def _close(self, failed: Mapping[str, Any], now: str) -> None:
        """Close the failure of an order that time to live has removed, which nothing could redrive."""
        closed = {"status": FailedOrderStatus.CLOSED, "closedAt": now}
        change = self._change(self.failed_orders_table, failed, FailedOrderStatus.OPEN, closed)
        with contextlib.suppress(self.dynamodb.exceptions.ConditionalCheckFailedException):
            self.dynamodb.update_item(**change["Update"])

    def _change(self, table: str, failed: Mapping[str, Any], status: str, values: Mapping[str, str]) -> dict[str, Any]:
        """An update of a row that has this status since the order failed."""
        compared = {"before": status, "failedAt": failed["failedAt"]}
        return {
            "Update": {
                "TableName": table,
                "Key": {ORDER_ID: {"S": failed[ORDER_ID]}},
                "UpdateExpression": f"SET {', '.join(f'#{name} = :{name}' for name in values)}",
                "ConditionExpression": "#status = :before AND failedAt = :failedAt",
                "ExpressionAttributeNames": {f"#{name}": name for name in values},
                "ExpressionAttributeValues": {
                    f":{name}": {"S": str(value)} for name, value in {**values, **compared}.items()
                },
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }
