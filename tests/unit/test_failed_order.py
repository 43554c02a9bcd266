"""What becomes of a message in the orders' dead-letter queue whose order is fulfilled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.failed_order import handler as failed_order

FULFILLED = {"orderId": "o1", "fileKey": "uploads/a.jpg", "status": "FULFILLED", "fulfilledAt": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("row", "stays"),
    [(FULFILLED | {"publishedAt": "2026-01-01T00:00:01Z"}, False), (FULFILLED, True), (None, False)],
    ids=["published", "not published", "removed"],
)
def test_message_stays_only_while_the_orders_result_is_not_published(
    monkeypatch: pytest.MonkeyPatch, row: dict[str, Any] | None, stays: bool
) -> None:
    monkeypatch.setenv("ORDERS_TABLE", "orders")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "tests")
    monkeypatch.setattr(failed_order, "find", lambda *_: row)

    answer = failed_order.handler({"Records": [{"messageId": "m1", "body": json.dumps({"orderId": "o1"})}]}, None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}] if stays else []}
