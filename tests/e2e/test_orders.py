"""Orders of renditions: fulfilled once, refused with a reason, or kept with their cause until they are redriven."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from PIL import Image

from client.errors import InvalidRequestError
from client.orders import failed_orders, find_failure, redrive
from client.uploads import Upload
from localcloud.rehearsal import queue_for
from testing.callers import OPERATE, READ, WRITE, Answer, Callers, send
from testing.pictures import photograph
from testing.stack import Stack
from testing.waiting import eventually
from tests.e2e.conftest import ORDER_ATTEMPTS
from tests.workflow.rig import Fault, configure, mock_config


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Stack:
    """The stack, which takes orders."""
    return stack


@pytest.fixture(scope="module")
def alerts(shop: Stack) -> Iterator[str]:
    """The URL of a queue that receives the alerts."""
    url, arn = queue_for(shop.cloud, "alert-tap", "sns.amazonaws.com")
    sns = shop.cloud.client("sns")
    tap = sns.subscribe(TopicArn=shop.outputs["alertTopicArn"], Protocol="sqs", Endpoint=arn)
    yield url
    sns.unsubscribe(SubscriptionArn=tap["SubscriptionArn"])


@pytest.fixture(scope="module")
def picture(shop: Stack) -> Upload:
    upload = shop.upload("uploads/ordered.jpg")
    shop.finish(upload)
    return upload


def call(shop: Stack, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """Call the API as an operator who may also order."""
    callers = Callers(stack=shop)
    token = callers.signed_again(callers.token(READ), lambda claims: {**claims, "scope": f"{READ} {WRITE} {OPERATE}"})
    return callers.call(method, path, token, body, **headers)


def place(shop: Stack, file_key: str, *renditions: Mapping[str, Any], **more: Any) -> str:
    answer = call(shop, "POST", "/orders", {"fileKey": file_key, "renditions": list(renditions), **more})
    assert answer.status == 202, answer.body
    assert answer.headers["location"] == f"orders/{answer.json['orderId']}"
    return answer.json["orderId"]


def order(shop: Stack, order_id: str) -> dict[str, Any]:
    return call(shop, "GET", f"/orders/{order_id}").json


def ended(shop: Stack, order_id: str, status: str) -> dict[str, Any]:
    """Wait until an order has a status."""

    def found() -> dict[str, Any] | None:
        current = order(shop, order_id)
        return current if current["status"] == status else None

    return eventually(found, f"order {order_id} {status}", 60)


def pixels(url: str) -> Image.Image:
    return Image.open(io.BytesIO(send("GET", url).body)).convert("RGB")


def test_order_is_fulfilled_with_addresses_of_what_was_ordered(shop: Stack, picture: Upload) -> None:
    order_id = place(
        shop,
        picture.file_key,
        {"preset": "w320", "format": "webp"},
        {"width": 100, "format": "png"},
        {"width": 64, "height": 64, "fit": "cover", "format": "avif"},
        {"width": 100, "format": "png", "watermark": True},
        reference="PO-7",
    )

    fulfilled = ended(shop, order_id, "FULFILLED")

    assert (fulfilled["reference"], fulfilled["attempts"]) == ("PO-7", 1)
    sizes = {each["name"]: (each["mediaType"], each["width"], each["height"]) for each in fulfilled["renditions"]}
    assert sizes == {
        "w320-webp": ("image/webp", 320, 213),
        "100-png": ("image/png", 100, 67),
        "64x64-avif": ("image/avif", 64, 64),
        "100-png-watermark": ("image/png", 100, 67),
    }
    for each in fulfilled["renditions"]:
        answer = send("GET", each["url"])
        assert (answer.status, answer.headers["content-type"]) == (200, each["mediaType"])
        assert len(answer.body) == each["bytes"]
    of_name = {each["name"]: each["url"] for each in fulfilled["renditions"]}
    plain, marked = pixels(of_name["100-png"]), pixels(of_name["100-png-watermark"])
    assert plain.crop((0, 0, 50, 40)).tobytes() == marked.crop((0, 0, 50, 40)).tobytes()
    assert plain.crop((50, 40, 100, 67)).tobytes() != marked.crop((50, 40, 100, 67)).tobytes()


def test_what_exists_is_reused(shop: Stack, picture: Upload) -> None:
    ordered = ({"preset": "w320", "format": "jpeg"}, {"width": 90, "format": "webp"})
    first = ended(shop, place(shop, picture.file_key, *ordered), "FULFILLED")
    asset = call(shop, "GET", f"/assets/{picture.file_key}").json
    before = _objects(shop)

    second = ended(shop, place(shop, picture.file_key, *ordered), "FULFILLED")

    assert _objects(shop) == before
    assert [each["name"] for each in second["renditions"]] == [each["name"] for each in first["renditions"]]
    address = {each["name"]: each["url"].partition("?")[0] for each in second["renditions"]}
    assert address["w320-jpeg"] in {each["url"].partition("?")[0] for each in asset["renditions"]}
    assert {each["width"] for each in second["renditions"]} == {320, 90}


def test_subscribers_are_told_once_of_a_fulfilled_order(shop: Stack, picture: Upload) -> None:
    order_id = place(shop, picture.file_key, {"width": 80, "format": "jpeg"}, reference="PO-8")
    ended(shop, order_id, "FULFILLED")
    eventually(lambda: "publishedAt" in _row(shop, order_id), "the publication")
    shop.cloud.client("sqs").send_message(
        QueueUrl=shop.outputs["orderQueueUrl"], MessageBody=json.dumps({"orderId": order_id})
    )
    (told,) = _told(shop, picture, order_id)

    assert (told["type"], told["fileKey"], told["reference"]) == ("OrderFulfilled", picture.file_key, "PO-8")
    assert [each["name"] for each in told["renditions"]] == ["80-jpeg"]
    assert _row(shop, order_id)["attempts"] == 1


@pytest.mark.parametrize(
    ("file_key", "rendition", "code"),
    [
        ("uploads/nowhere.jpg", {"width": 64, "format": "jpeg"}, "ASSET_NOT_FOUND"),
        ("uploads/ordered.jpg", {"preset": "w9000", "format": "jpeg"}, "UNKNOWN_PRESET"),
        ("uploads/ordered.jpg", {"width": 481, "format": "jpeg"}, "SIZE_NOT_ALLOWED"),
    ],
)
def test_order_against_a_rule_is_kept_as_rejected(
    shop: Stack, picture: Upload, file_key: str, rendition: dict[str, Any], code: str
) -> None:
    del picture
    rejected = order(shop, place(shop, file_key, rendition))
    assert (rejected["status"], rejected["errorCode"]) == ("REJECTED", code)
    assert rejected["errorMessage"]
    assert rejected["hint"]


@pytest.mark.parametrize(
    "rendition",
    [
        {"format": "jpeg"},
        {"preset": "w320", "width": 64, "format": "jpeg"},
        {"width": 4, "format": "jpeg"},
        {"width": 64, "format": "bmp"},
        {"width": 64, "fit": "cover", "format": "jpeg"},
    ],
)
def test_malformed_order_is_a_problem_and_is_not_kept(shop: Stack, rendition: dict[str, Any]) -> None:
    before = call(shop, "GET", "/orders?limit=1").json
    answer = call(shop, "POST", "/orders", {"fileKey": "uploads/ordered.jpg", "renditions": [rendition]})
    assert (answer.status, answer.json["code"]) == (422, "INVALID_REQUEST")
    assert call(shop, "GET", "/orders?limit=1").json == before


def test_repeated_request_is_one_order_and_a_changed_one_is_refused(shop: Stack, picture: Upload) -> None:
    body = {"fileKey": picture.file_key, "renditions": [{"width": 70, "format": "jpeg"}]}
    first = call(shop, "POST", "/orders", body, idempotency_key="one").json["orderId"]
    assert call(shop, "POST", "/orders", body, idempotency_key="one").json["orderId"] == first
    ended(shop, first, "FULFILLED")
    assert call(shop, "POST", "/orders", body, idempotency_key="one").json["orderId"] == first

    changed = call(shop, "POST", "/orders", {**body, "reference": "other"}, idempotency_key="one")

    assert (changed.status, changed.json["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    listed = call(shop, "GET", "/orders?status=FULFILLED&limit=100").json["orders"]
    assert [each["orderId"] for each in listed].count(first) == 1


def test_order_that_fails_every_time_is_kept_with_its_cause_and_redriven_once(
    shop: Stack, picture: Upload, alerts: str
) -> None:
    with shop.failing_orders():
        order_id = place(shop, picture.file_key, {"width": 60, "format": "jpeg"})
        equal = place(shop, picture.file_key, {"width": 60, "format": "jpeg"})
        assert order(shop, equal)["errorCode"] == "EQUAL_ORDER_OPEN"
        failed = ended(shop, order_id, "FAILED")
    assert (failed["errorCode"], failed["attempts"]) == ("SimulatedError", ORDER_ATTEMPTS)
    (failure,) = [each for each in failed_orders(shop.pipeline) if each["orderId"] == order_id]
    assert (failure["code"], failure["attempts"], failure["fileKey"]) == (
        "SimulatedError",
        ORDER_ATTEMPTS,
        picture.file_key,
    )
    alert = eventually(lambda: [each for each in _bodies(shop, alerts) if order_id in each], "the alert")[0]
    assert f"orders redrive {order_id} --stack local" in alert

    redrive(shop.pipeline, order_id)

    fulfilled = ended(shop, order_id, "FULFILLED")
    assert fulfilled["attempts"] > ORDER_ATTEMPTS
    assert "errorCode" not in fulfilled
    closed = find_failure(shop.pipeline, order_id)
    assert closed is not None
    assert (closed["status"], closed["code"]) == ("CLOSED", "SimulatedError")
    assert order_id not in {each["orderId"] for each in failed_orders(shop.pipeline)}
    assert len(_told(shop, picture, order_id)) == 1
    with pytest.raises(InvalidRequestError):
        redrive(shop.pipeline, order_id)


def test_an_operator_sees_a_failed_order_by_its_cause_and_redrives_it(shop: Stack, picture: Upload) -> None:
    with shop.failing_orders():
        order_id = place(shop, picture.file_key, {"width": 61, "format": "jpeg"}, reference="PO-9")
        ended(shop, order_id, "FAILED")
    found = call(shop, "GET", "/operations/failed-orders").json
    (cause,) = [each for each in found["causes"] if order_id in {order["orderId"] for order in each["orders"]}]
    (example,) = [each for each in cause["orders"] if each["orderId"] == order_id]
    assert (cause["cause"], example["reference"], example["attempts"]) == ("SimulatedError", "PO-9", ORDER_ATTEMPTS)
    wanted = {"orderId": order_id}
    assert call(shop, "POST", "/operations/failed-orders/redrive", wanted).json["matching"] == 1
    assert order(shop, order_id)["status"] == "FAILED", "a dry run changes nothing"

    redriven = call(shop, "POST", "/operations/failed-orders/redrive", {**wanted, "dryRun": False}).json

    assert (redriven["redriven"], redriven["complete"]) == (1, True)
    ended(shop, order_id, "FULFILLED")
    closed = find_failure(shop.pipeline, order_id)
    assert closed is not None
    assert closed["status"] == "CLOSED"
    assert len(_told(shop, picture, order_id)) == 1
    assert call(shop, "POST", "/operations/failed-orders/redrive", {**wanted, "dryRun": False}).json["redriven"] == 0


@pytest.mark.parametrize("file_key", ["uploads/withdrawn.jpg", "uploads/2026/withdrawn.jpg"])
def test_nothing_is_made_of_a_file_that_was_deleted_meanwhile(shop: Stack, file_key: str) -> None:
    upload = shop.upload(file_key, photograph(seed=5))
    shop.finish(upload)
    before = _objects(shop)
    dynamodb, key = shop.cloud.client("dynamodb"), {"fileKey": {"S": upload.file_key}}
    with shop.failing_orders():
        order_id = place(shop, upload.file_key, {"width": 60, "format": "jpeg"})
        eventually(lambda: _row(shop, order_id).get("code"), "the first attempt's failure")
        dynamodb.update_item(
            TableName=shop.outputs["assetsTable"],
            Key=key,
            UpdateExpression="SET deletedAt = :now",
            ExpressionAttributeValues={":now": {"S": "2026-11-20T10:00:00Z"}},
        )

    failed = ended(shop, order_id, "FAILED")

    assert failed["errorCode"] == "SourceMissingError"
    assert _objects(shop) == before


def test_order_that_cannot_be_queued_is_withdrawn(shop: Stack, picture: Upload) -> None:
    order_id, machine = "f" * 32, shop.outputs["orderStateMachineArn"]
    fault = {"QueueOrder": Fault(error="SQS.SdkClientException")}
    configure(shop.cloud, "_sfn_mock_config", mock_config("broken", fault, machines=(machine.rpartition(":")[2],)))
    placed = {"orderId": order_id, "owner": "anonymous", "isOperator": True, "requestHash": "0", "reference": ""}
    placed |= {"fileKey": picture.file_key, "renditions": [{"width": 50, "format": "png"}], "openId": "open/broken"}

    answer = shop.cloud.client("stepfunctions").start_sync_execution(
        stateMachineArn=f"{machine}#broken", input=json.dumps(placed)
    )

    assert (answer["status"], answer["error"]) == ("FAILED", "SQS.SdkClientException")
    assert call(shop, "GET", f"/orders/{order_id}").status == 404


def test_callers_list_their_own_orders_and_see_no_others(shop: Stack, callers: Callers, picture: Upload) -> None:
    token, body = callers.token(), {"fileKey": picture.file_key, "renditions": [{"width": 64, "format": "jpeg"}]}
    placed = callers.call("POST", "/orders", token, body).json["orderId"]

    mine = callers.call("GET", f"/orders/{placed}", token).json
    listed = callers.call("GET", "/orders", token).json["orders"]
    theirs = callers.call("GET", "/orders", callers.somebody_else()).json["orders"]

    # Nobody is recorded as the owner of a file that was not uploaded through the API.
    assert (mine["status"], mine["errorCode"]) == ("REJECTED", "ASSET_NOT_FOUND")
    assert placed in {each["orderId"] for each in listed}
    assert placed not in {each["orderId"] for each in theirs}
    assert callers.call("GET", f"/orders/{placed}", callers.somebody_else()).status == 404
    assert placed in {each["orderId"] for each in call(shop, "GET", "/orders?limit=100").json["orders"]}


def _told(shop: Stack, picture: Upload, order_id: str) -> list[dict[str, Any]]:
    """The notifications about an order, once nothing is queued any more."""
    url = shop.outputs["orderQueueUrl"]
    eventually(lambda: shop.pipeline.queue_depth(url) == 0, "an empty order queue", 60)
    return [each for each in shop.notifications(picture) if each.get("orderId") == order_id]


def _objects(shop: Stack) -> set[str]:
    pages = (
        shop.cloud.client("s3").get_paginator("list_object_versions").paginate(Bucket=shop.outputs["processedBucket"])
    )
    return {f"{each['Key']} {each['VersionId']}" for page in pages for each in page.get("Versions", ())}


def _row(shop: Stack, order_id: str) -> dict[str, Any]:
    item = shop.cloud.client("dynamodb").get_item(
        TableName=shop.outputs["ordersTable"], Key={"orderId": {"S": order_id}}, ConsistentRead=True
    )["Item"]
    return {name: int(value["N"]) if "N" in value else next(iter(value.values())) for name, value in item.items()}


def _bodies(shop: Stack, url: str) -> list[str]:
    return [message["Message"] for message in shop.pipeline.take_messages(url)]
