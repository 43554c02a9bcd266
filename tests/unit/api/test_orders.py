"""Orders as their callers see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contract import orders
from tests.unit.api.conftest import Api, make_table

MINE, OTHERS, FAILED = "a" * 32, "b" * 32, "c" * 32


@pytest.fixture
def shop(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The handler before a table with two callers' orders."""
    monkeypatch.setenv("ORDERS_TABLE", "orders")
    owner = ("owner", "createdAt", {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["status"]})
    status = ("status", "createdAt", {"ProjectionType": "KEYS_ONLY"})
    make_table(api.cloud, "orders", "orderId", {orders.OWNER_INDEX: owner, orders.STATUS_INDEX: status})
    entry = {
        "name": "w320-webp",
        "key": "processed/x",
        "contentType": "image/webp",
        "width": 320,
        "height": 2,
        "bytes": 9,
    }
    api.put_row("orders", row(MINE, "alice", "FULFILLED", results=[entry]))
    api.put_row("orders", row(OTHERS, "bob", "PROCESSING"))
    failure = {"code": "AccessError", "reason": "Could not read s3://secret", "hint": "Ask."}
    api.put_row("orders", row(FAILED, "alice", "FAILED", createdAt="2026-11-28T00:00:00.000Z", **failure))
    yield api
    api.cloud.client("dynamodb").delete_table(TableName="orders")


def row(order_id: str, owner: str, status: str, **values: Any) -> dict[str, Any]:
    at = "2026-11-27T21:15:12.123Z"
    ordered = [{"preset": "w320", "format": "webp"}]
    fields = {"orderId": order_id, "owner": owner, "status": status, "fileKey": "uploads/cat.jpg", "reference": ""}
    return {**fields, "renditions": ordered, "createdAt": at, "updatedAt": at, **values}


def ids(answer: Any) -> list[str]:
    return [each["orderId"] for each in answer.json["orders"]]


def test_fulfilled_order_has_signed_urls(shop: Api) -> None:
    order = shop.call("GET", f"/orders/{MINE}").json
    assert (order["status"], order["ordered"]) == ("FULFILLED", [{"preset": "w320", "format": "webp"}])
    (rendition,) = order["renditions"]
    assert "Signature=" in rendition["url"]


def test_caller_sees_own_orders_alone_and_an_operator_all(shop: Api) -> None:
    assert ids(shop.call("GET", "/orders")) == [FAILED, MINE]
    assert ids(shop.call("GET", "/orders?status=FULFILLED")) == [MINE]
    assert shop.call("GET", f"/orders/{OTHERS}").code == "ORDER_NOT_FOUND"
    operator = {"scope": "files:operate"}
    assert set(ids(shop.call("GET", "/orders", claims=operator))) == {MINE, OTHERS, FAILED}
    assert ids(shop.call("GET", "/orders?status=PROCESSING", claims=operator)) == [OTHERS]


def test_pages_follow_one_another(shop: Api) -> None:
    first = shop.call("GET", "/orders?limit=1")
    assert ids(first) == [FAILED]
    assert ids(shop.call("GET", f"/orders?limit=1&cursor={first.json['cursor']}")) == [MINE]


def test_internal_cause_is_for_operators(shop: Api) -> None:
    mine = shop.call("GET", f"/orders/{FAILED}").json
    assert mine["errorCode"] == "AccessError"
    assert "secret" not in mine["errorMessage"]
    operators = shop.call("GET", f"/orders/{FAILED}", claims={"scope": "files:operate"}).json
    assert operators["errorMessage"] == "Could not read s3://secret"


@pytest.mark.parametrize("order_id", ["open", "x" * 32, "quota"])
def test_what_is_no_order_id_is_not_found(shop: Api, order_id: str) -> None:
    assert shop.call("GET", f"/orders/{order_id}").code == "ORDER_NOT_FOUND"
