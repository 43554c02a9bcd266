"""Failed orders by cause, and their redrive, before the embedded cloud's tables and queues."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from contract import orders
from contract.queues import SqsQueue
from functions.operator import failed_orders
from functions.operator import handler as looking
from functions.replay import handler as replay
from functions.replay import orders as redriving
from tests.unit.api.conftest import GROUP, Answer, Operators, answered, event, make_table

FAILED_ORDERS, REDRIVE = "/operations/failed-orders", "/operations/failed-orders/redrive"
BY_STATUS = {"ProjectionType": "KEYS_ONLY"}


@dataclass(frozen=True, kw_only=True)
class FailedOrders:
    """The operators' handlers before tables and a queue of orders."""

    operators: Operators
    queue: SqsQueue

    def look(self, claims: Mapping[str, str] = GROUP) -> Answer:
        return answered(looking.handler(event("GET", FAILED_ORDERS, None, claims), None))

    def redrive(self, *, claims: Mapping[str, str] = GROUP, **body: object) -> Answer:
        return answered(replay.handler(event("POST", REDRIVE, json.dumps(body), claims), None))

    def fail(self, number: int, code: str, *, at: str = "2026-11-27T12:00:00.000Z", status: str = "OPEN") -> str:
        """Put an order that failed into both tables; its id."""
        order_id = f"{number:032x}"
        row = {"orderId": order_id, "owner": "alice", "fileKey": f"uploads/{number}.jpg", "reference": "PO-7"}
        row |= {"renditions": [], "attempts": 3, "failedAt": at}
        row |= {"code": code, "reason": f"{code} happened", "hint": f"Correct {code}"}
        self.operators.api.put_row("failed-orders", {**row, "status": status})
        self.operators.api.put_row("orders", {**row, "status": "FAILED", "createdAt": at, "updatedAt": at})
        return order_id

    def row(self, table: str, order_id: str) -> dict[str, Any]:
        dynamodb = self.operators.api.cloud.client("dynamodb")
        item = dynamodb.get_item(TableName=table, Key={"orderId": {"S": order_id}})["Item"]
        return {name: next(iter(value.values())) for name, value in item.items()}

    def statuses(self, order_id: str) -> tuple[str, str]:
        return self.row("orders", order_id)["status"], self.row("failed-orders", order_id)["status"]


@pytest.fixture
def shop(stack: Operators, monkeypatch: pytest.MonkeyPatch) -> Iterator[FailedOrders]:
    cloud = stack.api.cloud
    make_table(cloud, "orders", "orderId", {orders.STATUS_INDEX: ("status", "createdAt", BY_STATUS)})
    make_table(cloud, "failed-orders", "orderId", {orders.STATUS_INDEX: ("status", "failedAt", BY_STATUS)})
    url = cloud.client("sqs").create_queue(QueueName=f"{stack.audit}-orders")["QueueUrl"]
    settings = json.loads(json.dumps({**vars(redriving.configuration())}, default=vars))
    settings["queues"]["order_queue_url"] = url
    monkeypatch.setenv("OPERATOR_SETTINGS", json.dumps(settings))
    redriving.configuration.cache_clear()
    monkeypatch.setattr("contract.redriving._DELAY_SECONDS", 0)
    monkeypatch.setenv("ORDERS_TABLE", "orders")
    monkeypatch.setenv("FAILED_ORDERS_TABLE", "failed-orders")
    yield FailedOrders(operators=stack, queue=SqsQueue(cloud.client("sqs"), url))
    for table in ("orders", "failed-orders"):
        cloud.client("dynamodb").delete_table(TableName=table)
    cloud.client("sqs").delete_queue(QueueUrl=url)


@pytest.mark.parametrize("claims", [{"scope": "files:read files:write"}, {"cognito:groups": "[staff]"}, {}])
def test_who_is_no_operator_sees_and_redrives_nothing(shop: FailedOrders, claims: dict[str, str]) -> None:
    order_id = shop.fail(1, "AccessError")
    for answer in (shop.look(claims), shop.redrive(claims=claims, dryRun=False)):
        assert (answer.status, answer.code) == (403, "NOT_AN_OPERATOR")
    assert shop.statuses(order_id) == ("FAILED", "OPEN")


def test_failed_orders_are_grouped_by_cause_with_their_attempts(shop: FailedOrders) -> None:
    ids = [shop.fail(number, "AccessError", at=f"2026-11-27T12:00:0{number}.000Z") for number in range(7)]
    shop.fail(8, "SourceMissingError")
    shop.fail(9, "AccessError", status="REDRIVEN")

    found = shop.look().json

    assert (found["read"], found["complete"]) == (8, True)
    many, one = found["causes"]
    assert (many["cause"], many["count"], many["attempts"]) == ("AccessError", 7, 21)
    assert (many["hint"], many["firstSeen"], many["lastSeen"]) == (
        "Correct AccessError",
        "2026-11-27T12:00:00Z",
        "2026-11-27T12:00:06Z",
    )
    assert [each["orderId"] for each in many["orders"]] == ids[:5]
    assert (one["cause"], one["orders"][0]["fileKey"], one["orders"][0]["reference"]) == (
        "SourceMissingError",
        "uploads/8.jpg",
        "PO-7",
    )


def test_more_failed_orders_than_one_request_reads_are_not_called_all(
    shop: FailedOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_orders, "MAX_READ", 2)
    for number in range(3):
        shop.fail(number, "AccessError")
    assert (shop.look().json["read"], shop.look().json["complete"]) == (2, False)


def test_a_dry_run_says_how_many_and_changes_nothing(shop: FailedOrders) -> None:
    order_id = shop.fail(1, "AccessError")
    shop.fail(2, "SourceMissingError")
    assert shop.redrive(cause="AccessError").json == {
        "cause": "AccessError",
        "dryRun": True,
        "matching": 1,
        "redriven": 0,
        "unchanged": 0,
        "complete": True,
    }
    assert shop.redrive().json["matching"] == 2
    assert shop.statuses(order_id) == ("FAILED", "OPEN")
    assert shop.queue.take_all() == []
    assert shop.operators.audit_lines() == []


def test_orders_of_one_cause_are_queued_again_and_their_failures_kept(shop: FailedOrders) -> None:
    wanted, other = shop.fail(1, "AccessError"), shop.fail(2, "SourceMissingError")

    done = shop.redrive(cause="AccessError", dryRun=False).json

    assert (done["redriven"], done["unchanged"], done["complete"]) == (1, 0, True)
    assert shop.queue.take_all() == [{"orderId": wanted, "fileKey": "uploads/1.jpg"}]
    assert shop.statuses(wanted) == ("PROCESSING", "REDRIVEN")
    assert shop.row("failed-orders", wanted)["code"] == "AccessError"
    assert shop.statuses(other) == ("FAILED", "OPEN")
    lines = shop.operators.audit_lines()
    assert [line["event"] for line in lines] == ["started", "completed"]
    assert (lines[1]["action"], lines[1]["filter"], lines[1]["counts"]["redriven"]) == (
        "orders redrive",
        "AccessError",
        1,
    )


def test_one_order_is_redriven(shop: FailedOrders) -> None:
    wanted, other = shop.fail(1, "AccessError"), shop.fail(2, "AccessError")
    assert shop.redrive(orderId=wanted, dryRun=False).json["redriven"] == 1
    assert shop.statuses(other) == ("FAILED", "OPEN")
    assert shop.redrive(orderId=wanted, dryRun=False).json["redriven"] == 0


def test_an_order_that_was_fulfilled_meanwhile_keeps_its_status(shop: FailedOrders) -> None:
    order_id = shop.fail(1, "AccessError")
    row = shop.row("orders", order_id)
    shop.operators.api.put_row("orders", {**row, "renditions": [], "attempts": 4, "status": "FULFILLED"})
    done = shop.redrive(dryRun=False).json
    assert (done["redriven"], done["unchanged"]) == (0, 1)
    assert shop.row("orders", order_id)["status"] == "FULFILLED"


def test_the_failure_of_an_order_that_is_no_longer_kept_is_closed(shop: FailedOrders) -> None:
    order_id = shop.fail(1, "AccessError")
    shop.operators.api.cloud.client("dynamodb").delete_item(TableName="orders", Key={"orderId": {"S": order_id}})
    done = shop.redrive(dryRun=False).json
    assert (done["redriven"], done["unchanged"]) == (0, 1)
    assert shop.row("failed-orders", order_id)["status"] == "CLOSED"


def test_a_redrive_without_time_says_that_it_is_not_complete(
    shop: FailedOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = shop.fail(1, "AccessError")
    monkeypatch.setattr(redriving, "_WORKING_SECONDS", 0)
    assert shop.redrive(dryRun=False).json["complete"] is False
    assert shop.statuses(order_id) == ("FAILED", "OPEN")
    assert [line["event"] for line in shop.operators.audit_lines()] == ["started", "interrupted"]
