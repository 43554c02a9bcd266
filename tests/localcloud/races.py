"""Race conditions in the emulator, with a fixed order of two threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ministack.services import dynamodb, sqs

# Time for the second thread to finish while the first one waits.
PATIENCE_SECONDS = 0.5

Document = dict[str, Any]


def statuses_of_two_conditional_puts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Run two PutItem calls for a new item, the second between the condition check and the write of the first."""
    dynamodb._tables.pop("racing", None)
    dynamodb._create_table(
        {
            "TableName": "racing",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
    )
    put = {"TableName": "racing", "Item": {"id": {"S": "x"}}, "ConditionExpression": "attribute_not_exists(id)"}
    condition_holds = dynamodb._evaluate_condition
    statuses: list[int] = []
    second = threading.Thread(target=lambda: statuses.append(dynamodb._put_item(put)[0]))

    def run_the_second_thread(*arguments: Any) -> bool:
        holds = condition_holds(*arguments)
        monkeypatch.setattr(dynamodb, "_evaluate_condition", condition_holds)
        second.start()
        second.join(PATIENCE_SECONDS)
        return holds

    monkeypatch.setattr(dynamodb, "_evaluate_condition", run_the_second_thread)
    statuses.append(dynamodb._put_item(put)[0])
    second.join()
    return sorted(statuses)


def bodies_after_a_message_arrives_during_a_deletion(*, by_mapping: bool = False) -> list[str]:
    """Delete the only message of a queue while another is sent; return the messages of the queue.

    Args:
        by_mapping: delete it as an event source mapping does, and not by a request.
    """
    sqs._act_create_queue({"QueueName": "racing"}, "")
    url = sqs._act_get_queue_url({"QueueName": "racing"}, "")["QueueUrl"]
    # Looked up by action, as for a request.
    delete = sqs._HANDLERS["DeleteMessage"]
    queue = sqs._get_q(url)
    arrival = threading.Thread(target=lambda: sqs._act_send_message({"QueueUrl": url, "MessageBody": "new"}, ""))
    queue["messages"] = _ListReadSlowly([{"id": "old", "receipt_handle": "handle", "body": "old"}], arrival.start)
    if by_mapping:
        sqs._delete_messages_for_esm(url, {"handle"})
    else:
        delete({"QueueUrl": url, "ReceiptHandle": "handle"}, "")
    arrival.join()
    return [message["body"] for message in queue["messages"]]


class _ListReadSlowly(list[Document]):
    """A list that calls a function at the end of its first iteration."""

    def __init__(self, items: list[Document], happen: Callable[[], None]) -> None:
        super().__init__(items)
        self._happen: Callable[[], None] | None = happen

    def __iter__(self) -> Iterator[Document]:
        yield from list(super().__iter__())
        happen, self._happen = self._happen, None
        if happen:
            happen()
            threading.Event().wait(PATIENCE_SECONDS)
