"""An order is checked, stored and queued, or stored with the reason why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from components.workflow.order_workflow import TRANSACTION_CANCELLED
from tests.workflow.branches import branches_of
from tests.workflow.order_rig import DAILY_ORDERS, MEASURES, Order, OrderRig
from tests.workflow.rig import Fault, Rig, as_stored

ACCEPTED = ("Receive", "FindAsset", "MayBeOrdered", "ChargeQuota", "StoreOrder", "QueueOrder", "Queued")
THROTTLED = Fault(error="DynamoDB.ThrottlingException")


@pytest.fixture(scope="module")
def orders(rig: Rig) -> OrderRig:
    return OrderRig(rig)


def test_order_is_stored_as_processing_and_queued_once(orders: OrderRig) -> None:
    order = Order(renditions=({"preset": "w320", "format": "webp"}, {"width": 600, "format": "avif", "fit": "inside"}))
    orders.record_asset(order)

    execution = orders.run(order)

    assert execution.states == ACCEPTED
    assert execution.output == {"orderId": order.order_id, "status": "PROCESSING"}
    row = orders.row(order)
    assert (row["status"], row["owner"], row["attempts"]) == ("PROCESSING", order.owner, 0)
    assert row["renditions"] == as_stored(list(order.renditions))
    assert (row["versionId"], row["mediaType"], row["bytes"]) == ("v1", "image/jpeg", 1234)
    assert row["measures"] == {"width": 640, "height": 480, "frames": 1}
    assert (row["reference"], row["existing"]) == ("PO-1", [{"name": "w320-jpeg"}])
    assert orders.queued() == [order.order_id]


@pytest.mark.parametrize(
    ("asset", "renditions", "code"),
    [
        ({"deletedAt": {"S": "2026-11-20T10:00:01Z"}}, (), "ASSET_NOT_FOUND"),
        ({"owner": {"S": "somebody else"}}, (), "ASSET_NOT_FOUND"),
        ({"publishedAt": None}, (), "ASSET_NOT_COMPLETED"),
        ({"measures": {"M": {"rows": {"N": "12"}}}}, (), "NOT_AN_IMAGE"),
        ({}, ({"preset": "w320", "format": "png"}, {"preset": "huge", "format": "png"}), "UNKNOWN_PRESET"),
        ({}, ({"width": 641, "format": "png"},), "SIZE_NOT_ALLOWED"),
        ({}, ({"width": 64, "height": 641, "fit": "cover", "format": "png"},), "SIZE_NOT_ALLOWED"),
    ],
)
def test_order_against_a_rule_is_stored_as_rejected_with_its_reason(
    orders: OrderRig, asset: Mapping[str, Any], renditions: tuple[Mapping[str, Any], ...], code: str
) -> None:
    order = Order(renditions=renditions or ({"width": 64, "format": "png"},))
    orders.record_asset(order, **asset)

    execution = orders.run(order)

    assert execution.states == ("Receive", "FindAsset", "MayBeOrdered", "StoreRejection", "Rejected")
    assert execution.output == {"orderId": order.order_id, "status": "REJECTED"}
    assert orders.refusal(order) == code
    assert not orders.is_on_order(order)
    assert orders.queued() == []


def test_order_of_a_file_without_a_record_is_rejected(orders: OrderRig) -> None:
    order = Order()
    orders.run(order)
    assert orders.refusal(order) == "ASSET_NOT_FOUND"


def test_operator_may_order_everybodys_assets(orders: OrderRig) -> None:
    order = Order(is_operator=True)
    orders.record_asset(order, owner={"S": "somebody else"})
    assert orders.run(order).states == ACCEPTED
    orders.queued()


@pytest.mark.parametrize("side", [640, 480])
def test_either_side_of_the_original_may_be_the_longer_one(orders: OrderRig, side: int) -> None:
    order = Order(renditions=({"width": 640, "format": "png"},))
    other = {"width": {"N": str(side)}, "height": {"N": str(1120 - side)}}
    orders.record_asset(order, measures={"M": {**MEASURES["M"], **other}})
    assert orders.run(order).states == ACCEPTED
    orders.queued()


def test_equal_order_is_rejected_until_the_first_one_ends(orders: OrderRig) -> None:
    first = Order()
    orders.record_asset(first)
    orders.run(first)

    second = first.repeated
    assert orders.run(second).states[-3:] == ("WhyNotStored", "StoreRejection", "Rejected")
    assert orders.refusal(second) == "EQUAL_ORDER_OPEN"
    orders.end(first)
    third = first.repeated
    assert orders.run(third).states == ACCEPTED
    assert orders.queued() == [first.order_id, third.order_id]


def test_caller_has_a_quota_for_a_day(orders: OrderRig) -> None:
    first = Order()
    orders.record_asset(first)
    for number in range(DAILY_ORDERS):
        order = Order(owner=first.owner, file_key=first.file_key, open_id=f"{first.open_id}-{number}")
        assert orders.run(order).output["status"] == "PROCESSING"

    one_too_many = Order(owner=first.owner, file_key=first.file_key)
    orders.run(one_too_many)

    assert orders.refusal(one_too_many) == "DAILY_QUOTA_EXCEEDED"
    assert len(orders.queued()) == DAILY_ORDERS


def test_repeat_of_a_stored_order_is_queued_and_changes_nothing_else(orders: OrderRig) -> None:
    order = Order()
    orders.record_asset(order)
    orders.run(order)
    before = orders.row(order)

    assert orders.run(order).states[-3:] == ("WhyNotStored", "QueueOrder", "Queued")

    assert orders.row(order) == before
    assert orders.queued() == [order.order_id] * 2


def test_repeat_of_a_rejected_order_changes_nothing(orders: OrderRig) -> None:
    order = Order()
    orders.run(order)
    before = orders.row(order)

    assert orders.run(order).output["status"] == "REJECTED"

    assert orders.row(order) == before


def test_order_that_cannot_be_queued_is_withdrawn_and_can_be_placed_again(orders: OrderRig) -> None:
    order = Order()
    orders.record_asset(order)

    failed = orders.run(order, {"QueueOrder": Fault(error="SQS.SdkClientException")})

    assert (failed.status, failed.error) == ("FAILED", "SQS.SdkClientException")
    assert failed.states[-2:] == ("WithdrawOrder", "Failed")
    assert orders.row(order) == {}
    assert orders.run(order).states == ACCEPTED
    assert orders.queued() == [order.order_id]


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("FindAsset", THROTTLED.error),
        ("ChargeQuota", THROTTLED.error),
        ("StoreOrder", "DynamoDb.TransactionInProgressException"),
    ],
)
def test_order_that_cannot_be_stored_fails_after_retries(orders: OrderRig, state: str, error: str) -> None:
    order = Order()
    orders.record_asset(order)

    failed = orders.run(order, {state: Fault(error=error)})

    assert (failed.status, failed.error) == ("FAILED", error)
    assert failed.task_errors.count(error) > 1
    assert orders.row(order) == {}


def test_conflict_of_two_transactions_fails_so_that_the_caller_tries_again(orders: OrderRig) -> None:
    order = Order()
    orders.record_asset(order)
    conflict = Fault(error=TRANSACTION_CANCELLED, cause="Transaction cancelled … [TransactionConflict, None]")

    failed = orders.run(order, {"StoreOrder": conflict})

    assert (failed.status, failed.error) == ("FAILED", TRANSACTION_CANCELLED)
    assert "TransactionConflict" in failed.cause


def test_rejection_that_cannot_be_stored_fails(orders: OrderRig) -> None:
    failed = orders.run(Order(), {"StoreRejection": THROTTLED})
    assert (failed.status, failed.error) == ("FAILED", THROTTLED.error)


def test_order_that_can_be_neither_queued_nor_withdrawn_fails(orders: OrderRig) -> None:
    order = Order()
    orders.record_asset(order)
    broken = Fault(error="DynamoDb.ThrottlingException")

    failed = orders.run(order, {"QueueOrder": Fault(error="Broken"), "WithdrawOrder": broken})

    assert (failed.status, failed.error) == ("FAILED", broken.error)
    assert orders.run(order).output["status"] == "PROCESSING"
    assert orders.queued() == [order.order_id]


def test_every_state_retry_catch_and_choice_of_orders_is_tested(
    orders: OrderRig, request: pytest.FixtureRequest
) -> None:
    if request.config.option.keyword or any("::" in argument for argument in request.config.args):
        pytest.skip("only some of the tests were chosen")
    assert branches_of(orders.definition) - orders.taken == set()
