"""Lambda entry point: a batch of the orders' dead-letter queue in, the messages that are tried again out."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from contract.orders import ORDER_ID, OrderStatus, ordered_id
from functions.failed_order.failures import alert, fail
from functions.shared.errors import TransientError
from functions.shared.rows import find
from functions.shared.runtime import record


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Record the failed orders of a batch. A message that is not handled stays in the dead-letter queue."""
    failed = [message["messageId"] for message in event["Records"] if not _is_done(message)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _is_done(message: Mapping[str, Any]) -> bool:
    started = time.perf_counter()
    about: dict[str, Any] = {}
    try:
        about[ORDER_ID] = ordered_id(message["body"])
        about |= _failed(about[ORDER_ID])
    except Exception as error:  # the other messages of the batch are independent of it
        record({**about, "outcome": type(error).__name__}, started, failed=True)
        return False
    record(about, started)
    return True


def _failed(order_id: str) -> dict[str, str]:
    """Record an order's failure, unless another message fulfilled it; what is logged of it.

    Raises:
        TransientError: the order is fulfilled, and its result is not published: the message stays for a replay to the
            order queue, as nothing else would publish it.
    """
    row = find(os.environ["ORDERS_TABLE"], {ORDER_ID: order_id})
    if row is None:  # removed by time to live
        return {"outcome": "NO_SUCH_ORDER"}
    if "fulfilledAt" not in row:
        alert(fail(row))
        return {"fileKey": row["fileKey"], "outcome": OrderStatus.FAILED}
    if "publishedAt" not in row:
        raise TransientError(f"Order {order_id} is fulfilled, and its result is not published.")
    return {"fileKey": row["fileKey"], "outcome": OrderStatus.FULFILLED}
