"""Lambda entry point: a batch of the order queue in, the messages that are tried again out."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from contract.orders import ORDER_ID, OrderStatus, back_off_seconds, ordered_id
from functions.fulfil.order_rows import (
    begin,
    claim_publication,
    mark_published,
    record_failure,
    record_fulfilment,
    release_publication,
)
from functions.fulfil.publishing import publish
from functions.fulfil.renditions import configuration, make_all
from functions.fulfil.simulation import fails
from functions.shared.aws import client
from functions.shared.errors import FulfilError, PipelineError, SimulatedError
from functions.shared.rows import Row, find
from functions.shared.runtime import record


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Fulfil the orders of a batch one after the other; an order that fails does not affect the others."""
    failed = [message["messageId"] for message in event["Records"] if not _is_done(message)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _is_done(message: Mapping[str, Any]) -> bool:
    """Fulfil the order of a message; one that fails, for whatever reason, comes back after a while."""
    started = time.perf_counter()
    receives = int(message["attributes"]["ApproximateReceiveCount"])
    about: dict[str, Any] = {"attempt": receives}
    try:
        about[ORDER_ID] = ordered_id(message["body"])
        about |= _fulfilled(about[ORDER_ID])
    except Exception as error:  # the other messages of the batch are independent of it
        record({**about, "outcome": type(error).__name__}, started, failed=True)
        client("sqs").change_message_visibility(
            QueueUrl=os.environ["ORDER_QUEUE_URL"],
            ReceiptHandle=message["receiptHandle"],
            VisibilityTimeout=back_off_seconds(receives),
        )
        return False
    record(about, started)
    return True


def _fulfilled(order_id: str) -> dict[str, str]:
    """Fulfil and publish an order unless an earlier attempt did; what is logged of it."""
    row = begin(order_id)
    if row is None:  # withdrawn, or removed by time to live
        return {"outcome": "NO_SUCH_ORDER"}
    if "fulfilledAt" not in row:
        row = _attempted(row)
    if "publishedAt" not in row:
        _publish_once(row)
    return {"fileKey": row["fileKey"], "outcome": OrderStatus.FULFILLED}


def _publish_once(row: Row) -> None:
    """Publish the result unless another attempt is doing so."""
    claim_publication(row[ORDER_ID])
    try:
        publish(row)
    except Exception:
        release_publication(row[ORDER_ID])
        raise
    mark_published(row[ORDER_ID])


def _attempted(row: Row) -> Row:
    """Make the renditions and record them, or record why that failed; the order's row after that."""
    order_id = row[ORDER_ID]
    try:
        if fails(order_id, row["attempts"], configuration().success_rate):
            raise SimulatedError("The attempt failed on purpose: the setting orders.successRate is less than 1.")
        record_fulfilment(row, make_all(row))
    except PipelineError as error:
        record_failure(order_id, type(error).__name__, str(error))
        raise
    except Exception as error:
        record_failure(order_id, FulfilError.__name__, f"{type(error).__name__}: {error}")
        raise FulfilError(f"{type(error).__name__}: {error}") from error
    return find(os.environ["ORDERS_TABLE"], {ORDER_ID: order_id}) or row
