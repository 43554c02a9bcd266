"""Orders of renditions as their callers see them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.config import Config

from contract.jobs import JOB_ID_DIGITS
from contract.orders import OPEN_PREFIX, ORDER_ID, OWNER_INDEX, STATUS_INDEX, OrderStatus
from functions.api.idempotency import job_id, request_hash
from functions.api.listing import Cursor, Partition, newest
from functions.api.models import Order, OrderPage, OrderRequest
from functions.api.renditions import signed_renditions
from functions.http_api.callers import Caller
from functions.http_api.problems import Problem, ProblemCode
from functions.shared.aws import session
from functions.shared.rows import Row, find, find_all
from functions.shared.runtime import logger

RETRY_AFTER_SECONDS = 2
"""When to ask again about an order that is being processed, or that could not be taken."""

_ORDER_ID = re.compile(rf"[0-9a-f]{{{JOB_ID_DIGITS}}}")
# More than the workflow may take, less than this function may.
_WORKFLOW_SECONDS = 10
_OUR_FAULT = "The order could not be fulfilled, for a reason that is not in the order."
_ASK_OPERATORS = "Give the operators the orderId. The order is kept, and they can have it tried again."


def place(request: OrderRequest, caller: Caller, *, key: str | None) -> str:
    """Have an order checked, stored and queued.

    Args:
        request: what is ordered.
        caller: who orders.
        key: the Idempotency-Key; None if the request is not repeatable.

    Returns:
        The order's id. Whether it was refused, its status says.

    Raises:
        Problem: the key belongs to another request, or the order could not be taken.
    """
    order_id, ordered = job_id(caller.owner, key), request.payload()
    digest = request_hash(ordered)
    known = find(_table(), {ORDER_ID: order_id}) if key is not None else None
    if known and known["requestHash"] != digest:
        raise Problem(ProblemCode.IDEMPOTENCY_KEY_REUSED)
    # One that is being processed may have been stored and not queued: the workflow queues it again.
    if known is None or known["status"] == OrderStatus.PROCESSING:
        equal = {name: ordered[name] for name in ("fileKey", "renditions")}
        _run_workflow(
            {
                ORDER_ID: order_id,
                "owner": caller.owner,
                "isOperator": caller.is_operator,
                "requestHash": digest,
                "openId": OPEN_PREFIX + request_hash({"owner": caller.owner, **equal}),
                "reference": ordered.get("reference", ""),
                **equal,
            }
        )
    return order_id


def order_of(order_id: str, caller: Caller) -> Order:
    """An order with its renditions.

    Raises:
        Problem: there is no such order, or it is somebody else's.
    """
    row = find(_table(), {ORDER_ID: order_id}) if _ORDER_ID.fullmatch(order_id) else None
    if row is None or not caller.sees(row):
        raise Problem(ProblemCode.ORDER_NOT_FOUND, order_id=order_id)
    return _shown(row, caller)


def page_of_orders(caller: Caller, *, status: str | None, cursor: str | None, limit: int) -> OrderPage:
    """The caller's orders, or everybody's if the caller is an operator.

    Args:
        caller: who asks.
        status: only orders with this status.
        cursor: of the page before.
        limit: how many.
    """
    entries, after = newest(
        _partitions(caller, status),
        cursor=Cursor.decoded(cursor),
        limit=limit,
        is_wanted=lambda entry: status is None or entry["status"] == status,
    )
    rows = find_all(_table(), ORDER_ID, [entry.id for entry in entries])
    shown = [_shown(rows[entry.id], caller) for entry in entries if entry.id in rows]
    return OrderPage(
        orders=[order for order in shown if status in (None, order.status)], cursor=after.encoded() if after else None
    )


def _partitions(caller: Caller, status: str | None) -> list[Partition]:
    keys = [(STATUS_INDEX, "status", each) for each in ([status] if status else OrderStatus)]
    if not caller.is_operator:
        keys = [(OWNER_INDEX, "owner", caller.owner)]
    return [
        Partition(table=_table(), index=index, key=key, value=value, time="createdAt", id=ORDER_ID)
        for index, key, value in keys
    ]


def _shown(row: Row, caller: Caller) -> Order:
    return Order(
        order_id=row[ORDER_ID],
        status=row["status"],
        file_key=row["fileKey"],
        version_id=row.get("versionId"),
        ordered=row["renditions"],
        reference=row["reference"] or None,
        attempts=row.get("attempts"),
        created_at=row["createdAt"],
        updated_at=row["updatedAt"],
        fulfilled_at=row.get("fulfilledAt"),
        renditions=signed_renditions({"renditions": row["results"]}) if "results" in row else None,
        **_explanation(row, caller),
    )


def _explanation(row: Row, caller: Caller) -> dict[str, Any]:
    """Why an order was not fulfilled. Internal causes are for operators."""
    match row["status"]:
        case OrderStatus.FAILED if not caller.is_operator:
            return {"error_code": row.get("code"), "error_message": _OUR_FAULT, "hint": _ASK_OPERATORS}
        case OrderStatus.FAILED | OrderStatus.REJECTED:
            return {"error_code": row.get("code"), "error_message": row.get("reason"), "hint": row.get("hint")}
        case _:
            return {}


def _run_workflow(order: Mapping[str, Any]) -> None:
    # The name is what finds the execution in the workflow's log, which holds no data unless a setting says so.
    answer = _states().start_sync_execution(
        stateMachineArn=os.environ["ORDER_MACHINE_ARN"], name=order[ORDER_ID], input=json.dumps(order)
    )
    if answer["status"] != "SUCCEEDED":
        about = {ORDER_ID: order[ORDER_ID], "error": answer.get("error", ""), "cause": answer.get("cause", "")}
        logger().error("the order workflow ended as %s", answer["status"], extra=about)
        raise Problem(ProblemCode.UNAVAILABLE, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


@cache
def _states() -> Any:
    """The client that waits for the workflow. The embedded cloud's address has no subdomain for that."""
    config = Config(
        connect_timeout=2,
        read_timeout=_WORKFLOW_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        inject_host_prefix="AWS_ENDPOINT_URL" not in os.environ,
    )
    return session().create_client("stepfunctions", config=config)


def _table() -> str:
    return os.environ["ORDERS_TABLE"]
