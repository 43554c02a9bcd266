"""The end of an order: however many messages there are about it, its result is published once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contract.orders import STATUS_INDEX
from functions.fulfil import handler as fulfil
from functions.shared import aws
from functions.shared.errors import AccessError, TransientError
from functions.shared.rows import Row, item_of
from localcloud.emulator import Emulator
from localcloud.rehearsal import queue_for
from testing.waiting import eventually
from tests.unit.api.conftest import Api, make_table

ORDER = {"orderId": "a" * 32, "fileKey": "uploads/a.jpg", "versionId": "v1", "bucket": "ingest", "jobId": "j"}
ORDER |= {"reference": "", "sequencer": "1", "mediaType": "image/jpeg", "openId": "open/1", "owner": "alice"}
FULFILLED = {**ORDER, "status": "FULFILLED", "fulfilledAt": "2026-11-27T12:00:00.000Z", "attempts": 1, "results": []}


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The handler before the embedded cloud's tables, queue and topic."""

    cloud: Emulator
    queue_url: str
    results_url: str

    def put(self, row: Row) -> None:
        self.cloud.client("dynamodb").put_item(TableName="orders", Item=item_of(row))

    def receive(self) -> list[str]:
        """Have the handler take a message about the order; the messages that are tried again."""
        sqs = self.cloud.client("sqs")
        sqs.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps({"orderId": ORDER["orderId"]}))
        (message,) = sqs.receive_message(QueueUrl=self.queue_url)["Messages"]
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {"ApproximateReceiveCount": "1"},
        }
        answer = fulfil.handler({"Records": [record]}, None)
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    def published(self) -> int:
        attributes = self.cloud.client("sqs").get_queue_attributes(
            QueueUrl=self.results_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


@pytest.fixture
def shop(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    cloud = api.cloud
    sqs, sns = cloud.client("sqs"), cloud.client("sns")
    queue_url = sqs.create_queue(QueueName="fulfil-orders")["QueueUrl"]
    results_url, results_arn = queue_for(cloud, "fulfil-results", "sns.amazonaws.com")
    topic = sns.create_topic(Name="fulfil-results")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=results_arn)
    make_table(cloud, "orders", "orderId", {STATUS_INDEX: ("status", "createdAt", {"ProjectionType": "KEYS_ONLY"})})
    monkeypatch.setenv("ORDERS_TABLE", "orders")
    monkeypatch.setenv("ORDER_QUEUE_URL", queue_url)
    monkeypatch.setenv("RESULTS_TOPIC_ARN", topic)
    yield Shop(cloud=cloud, queue_url=queue_url, results_url=results_url)
    cloud.client("dynamodb").delete_table(TableName="orders")
    sns.delete_topic(TopicArn=topic)
    for url in (queue_url, results_url):
        sqs.delete_queue(QueueUrl=url)


def test_two_messages_at_once_about_a_fulfilled_order_are_one_notification(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put(FULFILLED)
    publish, others = fulfil.publish, []

    def while_another_message_is_received(row: Row) -> None:
        monkeypatch.setattr(fulfil, "publish", publish)
        others.append(shop.receive())
        publish(row)

    monkeypatch.setattr(fulfil, "publish", while_another_message_is_received)
    assert shop.receive() == []
    (tried_again,) = others
    assert len(tried_again) == 1
    assert shop.receive() == []
    assert eventually(shop.published, "the notification") == 1


def test_a_publication_that_failed_is_made_by_the_next_message(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put(FULFILLED)
    with monkeypatch.context() as changed:
        changed.setenv("RESULTS_TOPIC_ARN", "arn:aws:sns:us-east-1:000000000000:missing")
        assert len(shop.receive()) == 1
    assert shop.receive() == []
    assert eventually(shop.published, "the notification") == 1


@pytest.mark.parametrize(
    ("claimed_at", "published"), [("2026-11-27T12:00:00.000Z", 1), ("9999-01-01T00:00:00.000Z", 0)]
)
def test_the_claim_of_an_attempt_that_must_have_ended_is_void(shop: Shop, claimed_at: str, published: int) -> None:
    shop.put({**FULFILLED, "publishingAt": claimed_at})
    assert len(shop.receive()) == 1 - published
    assert shop.published() == published


def cancelled(*codes: str) -> ClientError:
    response: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(response, "TransactWriteItems")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("None", "TransactionConflict"), TransientError),
        (("ConditionalCheckFailed", "TransactionConflict"), TransientError),
        (("ThrottlingError", "None"), TransientError),
        (("ValidationError", "TransactionConflict"), AccessError),
        (("None", "ItemCollectionSizeLimitExceeded"), AccessError),
    ],
)
def test_a_transaction_that_another_write_overtook_is_tried_again(
    codes: tuple[str, ...], expected: type[Exception]
) -> None:
    with pytest.raises(expected), aws.failures_named("record an order"):
        raise cancelled(*codes)
