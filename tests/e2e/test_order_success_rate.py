"""Orders whose attempts succeed with a probability of 0.7: each ends once, after as many tries as chance predicts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.orders import failed_orders, newest_orders, tries_of
from contract.orders import OrderStatus
from functions.fulfil.simulation import fails
from localcloud import announcement
from localcloud.announcement import LocalCloud
from operations import cli
from operations.doctor.checks.orders import orders_are_fulfilled
from operations.doctor.findings import Status
from testing.callers import Callers
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually

SUCCESS_RATE, ATTEMPTS, ORDERS = 0.7, 3, 200
FILE_KEY = "uploads/popular.jpg"


@pytest.fixture(scope="module")
def shop() -> Iterator[Stack]:
    orders = {"enabled": True, "successRate": SUCCESS_RATE, "maxReceiveCount": ATTEMPTS}
    with deployed_stack(api={"auth": "none"}, orders=orders) as deployed:
        deployed.finish(deployed.upload(FILE_KEY))
        yield deployed


@pytest.fixture(scope="module")
def ended(shop: Stack) -> list[dict[str, Any]]:
    """All orders, once each has ended. Their ids, and so their luck, are the same in every run."""
    callers = Callers(stack=shop)
    for number in range(ORDERS):
        body = {"fileKey": FILE_KEY, "renditions": [{"width": 16 + number, "format": "jpeg"}]}
        assert callers.call("POST", "/orders", None, body, idempotency_key=f"order-{number}").status == 202

    def all_ended() -> bool:
        return not newest_orders(shop.pipeline, status=OrderStatus.PROCESSING, limit=1)

    eventually(all_ended, "the end of every order", 300)
    return newest_orders(shop.pipeline, limit=ORDERS + 1)


@pytest.fixture
def img_pipeline(shop: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(announcement, "LOCAL_STATE", tmp_path / "local-cloud.json")
    LocalCloud(endpoint_url=shop.cloud.endpoint_url, region=shop.cloud.region, outputs=shop.outputs).announce()

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli.app, list(arguments), env={"IMG_PIPELINE_STACK": "local", "COLUMNS": "200"})

    return run


def test_every_order_is_fulfilled_or_failed_once(shop: Stack, ended: list[dict[str, Any]]) -> None:
    assert len({order["orderId"] for order in ended}) == ORDERS
    failed = {order["orderId"] for order in ended if order["status"] == OrderStatus.FAILED}
    assert {order["status"] for order in ended} == {OrderStatus.FULFILLED, OrderStatus.FAILED}
    assert {row["orderId"] for row in failed_orders(shop.pipeline, limit=ORDERS)} == failed
    for order in ended:
        lucky = [tries for tries in range(1, ATTEMPTS + 1) if not fails(order["orderId"], tries, SUCCESS_RATE)]
        status = OrderStatus.FULFILLED if lucky else OrderStatus.FAILED
        assert (order["status"], order["attempts"]) == (status, min(lucky, default=ATTEMPTS)), order["orderId"]
    messages = shop.pipeline.take_messages(shop.outputs["resultsQueueUrls"]["inspector"])
    told = [message["orderId"] for message in messages if message["type"] == "OrderFulfilled"]
    assert sorted(told) == sorted(order["orderId"] for order in ended if order["orderId"] not in failed)


def test_tries_are_as_the_binomial_distribution_predicts(ended: list[dict[str, Any]]) -> None:
    report = tries_of(ended, success_rate=SUCCESS_RATE, most=ATTEMPTS)
    for each in report:
        print(f"{each.status} after {each.tries}: {each.orders}, predicted {each.predicted:.1f}")
    assert sum(each.orders for each in report) == ORDERS
    # The 99.9 % quantile of the chi-squared distribution with three degrees of freedom.
    assert sum((each.orders - each.predicted) ** 2 / each.predicted for each in report) < 16.27


def test_failed_orders_are_listed_shown_and_redriven_until_all_are_fulfilled(
    shop: Stack, ended: list[dict[str, Any]], img_pipeline: Any
) -> None:
    listed = json.loads(img_pipeline("orders", "failed", "--json").output)
    assert {row["code"] for row in listed} == {"SimulatedError"}
    first = listed[0]["orderId"]
    assert [each.status for each in orders_are_fulfilled(shop.pipeline)] == [Status.OK, Status.OK, Status.WARN]
    assert "FAILED" in img_pipeline("orders", "show", first).output
    assert first in img_pipeline("orders", "list", "--status", "failed", "--limit", "200").output

    for _ in range(10):
        if "queued" not in img_pipeline("orders", "redrive", "--all", "--yes").output:
            break
        eventually(
            lambda: not newest_orders(shop.pipeline, status=OrderStatus.PROCESSING, limit=1), "the redriven orders", 120
        )

    everything = json.loads(img_pipeline("orders", "failed", "--all", "--json").output)
    assert {row["orderId"] for row in everything} == {row["orderId"] for row in listed}
    assert {row["status"] for row in everything} == {"CLOSED"}
    assert len(newest_orders(shop.pipeline, status=OrderStatus.FULFILLED, limit=ORDERS + 1)) == len(ended)
    assert {each.status for each in orders_are_fulfilled(shop.pipeline)} == {Status.OK}
    refused = img_pipeline("orders", "redrive", first, "--yes")
    assert refused.exit_code != 0
