"""SQS queues, ten messages at a time, so that an interrupted call leaves no message hidden for long."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from contract.moving import Message, OutgoingMessage

# The longest that SQS hides a message ("Amazon SQS visibility timeout").
MAX_HIDDEN_SECONDS = 12 * 3600
# SQS hides at most 120,000 messages of one queue at a time ("Amazon SQS message quotas"); others receive there too.
MAX_HELD = 100_000
# Long polling makes SQS query all its servers, so that an empty answer means an empty queue
# ("Amazon SQS short and long polling").
WAIT_SECONDS = 1


@dataclass(frozen=True, kw_only=True)
class Depth:
    """The approximate number of messages in a queue, and when it was read: seconds since 1970 by SQS's clock."""

    visible: int
    in_flight: int
    delayed: int
    at: float

    @property
    def total(self) -> int:
        """All of them."""
        return self.visible + self.in_flight + self.delayed


class SqsQueue:
    """One queue.

    Args:
        sqs: a client of boto3 or botocore.
        url: the queue's URL.
        hidden_seconds: how long others do not see what was received here; should this process die, they see it then.
    """

    def __init__(self, sqs: Any, url: str, *, hidden_seconds: int = 120) -> None:
        self._sqs = sqs
        self._hidden_seconds = min(hidden_seconds, MAX_HIDDEN_SECONDS)
        self.url = url

    @property
    def name(self) -> str:
        """The name that operators see, the last part of its URL."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return self._attributes("QueueArn")["Attributes"]["QueueArn"]

    def depth(self) -> Depth:
        """Count its messages."""
        counts = ("", "NotVisible", "Delayed")
        answer = self._attributes(*(f"ApproximateNumberOfMessages{which}" for which in counts))
        visible, in_flight, delayed = (
            int(answer["Attributes"].get(f"ApproximateNumberOfMessages{which}", 0)) for which in counts
        )
        second = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
        return Depth(visible=visible, in_flight=in_flight, delayed=delayed, at=second + 1)

    def receive(self) -> list[Message]:
        """Up to ten messages, hidden from other consumers until the visibility timeout; none if the queue is empty."""
        answer = self._sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=self._hidden_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [_message(entry) for entry in answer.get("Messages", [])]

    def send(self, copies: Sequence[OutgoingMessage]) -> list[int]:
        """Send up to ten messages; return the indexes of those that were refused."""
        entries = [
            {"Id": str(index), "MessageBody": copy.body}
            | ({"MessageAttributes": dict(copy.message_attributes)} if copy.message_attributes else {})
            for index, copy in enumerate(copies)
        ]
        return _failed(self._sqs.send_message_batch(QueueUrl=self.url, Entries=entries))

    def delete(self, messages: Sequence[Message]) -> list[Message]:
        """Delete up to ten messages; return those that could not be deleted."""
        entries = [
            {"Id": str(index), "ReceiptHandle": message.receipt_handle} for index, message in enumerate(messages)
        ]
        answer = self._sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)
        return [messages[index] for index in _failed(answer)]

    def release(self, messages: Sequence[Message]) -> None:
        """Make up to ten messages visible again, except those that another consumer has received since."""
        self._sqs.change_message_visibility_batch(
            QueueUrl=self.url,
            Entries=[
                {"Id": str(index), "ReceiptHandle": message.receipt_handle, "VisibilityTimeout": 0}
                for index, message in enumerate(messages)
            ],
        )

    def take_all(self) -> list[dict[str, Any]]:
        """Receive and delete all messages of the queue; bodies parsed from JSON, in the order received."""
        bodies: list[dict[str, Any]] = []
        while messages := self.receive():
            bodies += [json.loads(message.body) for message in messages]
            self.delete(messages)
        return bodies

    def purge(self) -> None:
        """Delete everything in it. SQS refuses this less than a minute after the last time."""
        self._sqs.purge_queue(QueueUrl=self.url)

    def visibility_timeout_seconds(self) -> int:
        """How long a received message stays hidden before it is delivered again."""
        return int(self._attributes("VisibilityTimeout")["Attributes"]["VisibilityTimeout"])

    def max_receive_count(self) -> int:
        """How often a message is delivered before it moves to the queue's dead-letter queue."""
        return int(json.loads(self._attributes("RedrivePolicy")["Attributes"]["RedrivePolicy"])["maxReceiveCount"])

    def _attributes(self, *names: str) -> dict[str, Any]:
        return self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=list(names))


def _message(entry: Mapping[str, Any]) -> Message:
    attributes = entry.get("Attributes", {})
    return Message(
        message_id=entry["MessageId"],
        receipt_handle=entry["ReceiptHandle"],
        body=entry["Body"],
        sent_at=int(attributes["SentTimestamp"]) / 1000,
        attributes=attributes,
        # What SQS adds to them when it hands them out, it does not take back.
        message_attributes={
            name: {key: value[key] for key in ("DataType", "StringValue", "BinaryValue") if key in value}
            for name, value in entry.get("MessageAttributes", {}).items()
        },
    )


def _failed(answer: Mapping[str, Any]) -> list[int]:
    return sorted(int(entry["Id"]) for entry in answer.get("Failed", []))
