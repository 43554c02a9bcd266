"""The workflow of an order of renditions, as a Step Functions Express definition in JSONata.

::

    Receive ▶ FindAsset ▶ MayBeOrdered ▶ ChargeQuota ▶ StoreOrder ▶ QueueOrder ▶ Queued
      refused, by any of these ▶ StoreRejection ▶ Rejected
      StoreOrder is cancelled ▶ WhyNotStored ▶ QueueOrder again, if it is a repeat of the same request
      QueueOrder fails ▶ WithdrawOrder ▶ Failed
    any failure ▶ Failed: nothing is stored, and the API asks its caller to try again

The API starts it and waits until the order is queued, but not until it is fulfilled. The order and the row that keeps
equal orders away (``open/{hash}``) are written in one transaction; the function that ends the order removes that row.
An execution that stops between StoreOrder and QueueOrder leaves an order whose id was not returned: a request with the
same Idempotency-Key queues it, and so does `img-pipeline orders redrive`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from components.workflow.jsonata import AS_ATTRIBUTE, READABLE_CAUSE, expression, string
from components.workflow.tasks import (
    CONDITION_FAILED,
    DYNAMODB_RETRY,
    SQS_RETRY,
    TRANSACTION_RETRY,
    UNRECORDED_FAILURE_CATCH,
    State,
    expiry,
    service_call,
)
from contract.assets import DELETED_AT
from contract.orders import ORDER_ID, QUOTA_PREFIX, REFUSALS, OrderStatus, Refusal

States = dict[str, State]

# The API waits for an execution; its own function gives up later than this.
TIMEOUT_SECONDS = 8
QUOTA_DAYS = 2
TRANSACTION_CANCELLED = "DynamoDb.TransactionCanceledException"


@dataclass(frozen=True, kw_only=True)
class OrderWorkflowSpec:
    """Everything the definition depends on.

    Attributes:
        assets_table, orders_table: table names.
        order_queue_url: where orders wait to be fulfilled.
        presets: names of the presets that an order may name.
        daily_orders_per_caller: orders that one caller may place in a day (UTC).
        retention_days: days until time to live deletes an order's row.
    """

    assets_table: str
    orders_table: str
    order_queue_url: str
    presets: Sequence[str]
    daily_orders_per_caller: int
    retention_days: int


def order_workflow_definition(spec: OrderWorkflowSpec) -> dict[str, Any]:
    """Build the state machine's definition, in Amazon States Language.

    Its input is {orderId, owner, isOperator, fileKey, renditions, reference, requestHash, openId}.
    """
    return {
        "Comment": "One order of renditions: check, store, queue",
        "QueryLanguage": "JSONata",
        "StartAt": "Receive",
        "TimeoutSeconds": TIMEOUT_SECONDS,
        "States": {**_checks(spec), **_storage(spec), **_queueing(spec), **_refusal(spec), **_failure()},
    }


# Images are never enlarged. Measures are those of the picture as it is stored, which may lie on its side.
_REFUSAL = f"""(
  $asset := $states.result.Item;
  $isVisible := $exists($asset) and $not($exists($asset.{DELETED_AT}))
    and ($order.isOperator or $asset.owner.S = $order.owner);
  $longest := $max([$number($asset.measures.M.width.N), $number($asset.measures.M.height.N)]);
  $not($isVisible) ? "{Refusal.ASSET_NOT_FOUND}"
  : $not($exists($asset.publishedAt)) ? "{Refusal.ASSET_NOT_COMPLETED}"
  : $not($exists($longest)) ? "{Refusal.NOT_AN_IMAGE}"
  : $exists($order.renditions[$exists(preset) and $not(preset in %(presets)s)]) ? "{Refusal.UNKNOWN_PRESET}"
  : $exists($order.renditions[width > $longest or height > $longest]) ? "{Refusal.SIZE_NOT_ALLOWED}"
  : ""
)"""


def _checks(spec: OrderWorkflowSpec) -> States:
    """Refuse an order of something that the caller may not order."""
    return {
        "Receive": {"Type": "Pass", "Assign": {"order": expression("$states.input")}, "Next": "FindAsset"},
        "FindAsset": service_call(
            "dynamodb:getItem",
            {
                "TableName": spec.assets_table,
                "Key": {"fileKey": string("$order.fileKey")},
                "ConsistentRead": True,
            },
            retry=DYNAMODB_RETRY,
            assign={
                "asset": expression("$exists($states.result.Item) ? $states.result.Item : {}"),
                "refusal": expression(_REFUSAL % {"presets": json.dumps(list(spec.presets))}),
            },
            on_failure=UNRECORDED_FAILURE_CATCH,
            next_state="MayBeOrdered",
        ),
        "MayBeOrdered": {
            "Type": "Choice",
            "Choices": [{"Condition": expression('$refusal = ""'), "Next": "ChargeQuota"}],
            "Default": "StoreRejection",
        },
        "ChargeQuota": service_call(
            "dynamodb:updateItem",
            {
                "TableName": spec.orders_table,
                "Key": {ORDER_ID: string(f'"{QUOTA_PREFIX}" & $order.owner & "/" & $substring($now(), 0, 10)')},
                "UpdateExpression": "ADD #orders :one SET #expiresAt = :expiresAt",
                "ConditionExpression": "attribute_not_exists(#orders) OR #orders < :limit",
                "ExpressionAttributeNames": {"#orders": "orders", "#expiresAt": "expiresAt"},
                "ExpressionAttributeValues": {
                    ":one": {"N": "1"},
                    ":limit": {"N": str(spec.daily_orders_per_caller)},
                    ":expiresAt": expiry(QUOTA_DAYS),
                },
            },
            retry=DYNAMODB_RETRY,
            catch=[_refused(CONDITION_FAILED, Refusal.DAILY_QUOTA_EXCEEDED)],
            on_failure=UNRECORDED_FAILURE_CATCH,
            next_state="StoreOrder",
        ),
    }


def _storage(spec: OrderWorkflowSpec) -> States:
    """Store the order, unless it is stored already or an equal one is open."""
    new = {"TableName": spec.orders_table, "ConditionExpression": f"attribute_not_exists({ORDER_ID})"}
    open_row = {
        ORDER_ID: string("$order.openId"),
        "order": string("$order.orderId"),
        "expiresAt": expiry(spec.retention_days),
    }
    return {
        "StoreOrder": service_call(
            "aws-sdk:dynamodb:transactWriteItems",
            {"TransactItems": [{"Put": {**new, "Item": _stored(spec)}}, {"Put": {**new, "Item": open_row}}]},
            retry=TRANSACTION_RETRY,
            catch=[
                {
                    "ErrorEquals": [TRANSACTION_CANCELLED],
                    "Assign": {
                        "failure": {
                            "error": TRANSACTION_CANCELLED,
                            "cause": expression(f"({READABLE_CAUSE} $readableCause($states.errorOutput.Cause))"),
                        }
                    },
                    "Next": "WhyNotStored",
                }
            ],
            on_failure=UNRECORDED_FAILURE_CATCH,
            next_state="QueueOrder",
        ),
        # The message ends with the reason for each row: [ConditionalCheckFailed, None]. Others are conflicts.
        "WhyNotStored": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": expression(r"$contains($failure.cause, /\[ConditionalCheckFailed/)"),
                    "Next": "QueueOrder",
                },
                {
                    "Condition": expression(r"$contains($failure.cause, /ConditionalCheckFailed\]/)"),
                    "Assign": {"refusal": Refusal.EQUAL_ORDER_OPEN},
                    "Next": "StoreRejection",
                },
            ],
            "Default": "Failed",
        },
    }


def _queueing(spec: OrderWorkflowSpec) -> States:
    """Queue the order. One that cannot be queued is withdrawn, so that the caller can order again."""
    table = {"TableName": spec.orders_table}
    return {
        "QueueOrder": service_call(
            "sqs:sendMessage",
            {
                "QueueUrl": spec.order_queue_url,
                "MessageBody": expression(f'$string({{"{ORDER_ID}": $order.orderId, "fileKey": $order.fileKey}})'),
            },
            retry=SQS_RETRY,
            output=_result(OrderStatus.PROCESSING),
            on_failure={**UNRECORDED_FAILURE_CATCH, "Next": "WithdrawOrder"},
            next_state="Queued",
        ),
        "Queued": {"Type": "Succeed"},
        "WithdrawOrder": service_call(
            "aws-sdk:dynamodb:transactWriteItems",
            {
                "TransactItems": [
                    {"Delete": {**table, "Key": {ORDER_ID: string("$order.orderId")}}},
                    {"Delete": {**table, "Key": {ORDER_ID: string("$order.openId")}}},
                ]
            },
            retry=TRANSACTION_RETRY,
            on_failure=UNRECORDED_FAILURE_CATCH,
            next_state="Failed",
        ),
    }


def _refusal(spec: OrderWorkflowSpec) -> States:
    """Store a refused order with its code, reason and hint."""
    texts = json.dumps({code: asdict(text) for code, text in REFUSALS.items()})
    return {
        "StoreRejection": service_call(
            "dynamodb:putItem",
            {
                "TableName": spec.orders_table,
                "Item": {
                    **_ordered(spec, OrderStatus.REJECTED),
                    "code": string("$refusal"),
                    "reason": string(f"$lookup({texts}, $refusal).reason"),
                    "hint": string(f"$lookup({texts}, $refusal).hint"),
                },
                "ConditionExpression": f"attribute_not_exists({ORDER_ID})",
            },
            retry=DYNAMODB_RETRY,
            # A repeat of a request whose order is stored.
            catch=[{"ErrorEquals": [CONDITION_FAILED], "Output": _result(OrderStatus.REJECTED), "Next": "Rejected"}],
            output=_result(OrderStatus.REJECTED),
            on_failure=UNRECORDED_FAILURE_CATCH,
            next_state="Rejected",
        ),
        "Rejected": {"Type": "Succeed"},
    }


def _failure() -> States:
    return {"Failed": {"Type": "Fail", "Error": expression("$failure.error"), "Cause": expression("$failure.cause")}}


def _refused(error: str, refusal: Refusal) -> State:
    return {"ErrorEquals": [error], "Assign": {"refusal": refusal}, "Next": "StoreRejection"}


def _result(status: OrderStatus) -> Mapping[str, str]:
    return {ORDER_ID: expression("$order.orderId"), "status": status}


def _ordered(spec: OrderWorkflowSpec, status: OrderStatus) -> dict[str, Any]:
    """What is stored of every order."""
    return {
        ORDER_ID: string("$order.orderId"),
        "status": {"S": status},
        "owner": string("$order.owner"),
        "fileKey": string("$order.fileKey"),
        "renditions": expression(f"({AS_ATTRIBUTE} $asAttribute($order.renditions))"),
        "reference": string("$order.reference"),
        "requestHash": string("$order.requestHash"),
        "createdAt": string("$now()"),
        "updatedAt": string("$now()"),
        "expiresAt": expiry(spec.retention_days),
    }


def _stored(spec: OrderWorkflowSpec) -> dict[str, Any]:
    """What is stored of an order that will be fulfilled: the version it is of, and what is made of that already."""
    asset = ("versionId", "bucket", "jobId", "sequencer", "mediaType", "bytes", "measures")
    return {
        **_ordered(spec, OrderStatus.PROCESSING),
        **{name: expression(f"$asset.{name}") for name in asset},
        "existing": expression("$asset.renditions"),
        "openId": string("$order.openId"),
        "attempts": {"N": "0"},
    }
