"""SQS: thread-safe queues, attribute validation, and queue depths for CloudWatch."""

from __future__ import annotations

import functools
import threading
import time
from dataclasses import dataclass
from typing import Any

from ministack.services import (
    eventbridge,
    sns,
    sqs,
)

from localcloud.patches.locks import synchronized


def install() -> None:
    """Apply this service's patches."""
    _lock_queues()
    _refuse_unknown_attributes()


@dataclass(frozen=True)
class QueueDepth:
    """The values of a queue's CloudWatch metrics."""

    name: str
    visible: int
    in_flight: int
    delayed: int
    oldest_age_seconds: float


def queue_depths() -> list[QueueDepth]:
    """Return the depth of every queue."""
    depths = []
    for _scoped_name, queue in list(sqs._queues.all_items()):
        with queues_lock:
            sqs._refresh_counts(queue)
            sent = [message.get("sent_at", time.time()) for message in queue["messages"]]
        attributes = queue["attributes"]
        depths.append(
            QueueDepth(
                name=attributes["QueueArn"].rsplit(":", 1)[1],
                visible=int(attributes["ApproximateNumberOfMessages"]),
                in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
                delayed=int(attributes["ApproximateNumberOfMessagesDelayed"]),
                oldest_age_seconds=max(0.0, time.time() - min(sent)) if sent else 0.0,
            )
        )
    return depths


queues_lock = threading.RLock()


def _lock_queues() -> None:
    """Gap: deleting and redriving replace a queue's message list; messages that are added meanwhile are lost."""
    rebuilding = ("_expire_retained", "_dlq_sweep", "_collect_msgs", "_refresh_counts")
    actions = ("_act_send_message", "_act_delete_message", "_act_delete_message_batch", "_act_purge_queue")
    # An event source mapping does not call the actions, and has a lock that they do not know.
    of_mappings = ("_receive_messages_for_esm", "_delete_messages_for_esm")
    for name in rebuilding + actions + of_mappings:
        original = getattr(sqs, name)
        setattr(sqs, name, synchronized(queues_lock, original))
        for action, handler in sqs._HANDLERS.items():
            if handler is original:
                sqs._HANDLERS[action] = getattr(sqs, name)
    eventbridge._dispatch_to_sqs = synchronized(queues_lock, eventbridge._dispatch_to_sqs)
    sns._deliver_to_sqs = synchronized(queues_lock, sns._deliver_to_sqs)


# Attributes that CreateQueue and SetQueueAttributes accept (Amazon SQS API Reference).
_WRITABLE = frozenset(
    {
        "ContentBasedDeduplication",
        "DeduplicationScope",
        "DelaySeconds",
        "FifoQueue",
        "FifoThroughputLimit",
        "KmsDataKeyReusePeriodSeconds",
        "KmsMasterKeyId",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "Policy",
        "ReceiveMessageWaitTimeSeconds",
        "RedriveAllowPolicy",
        "RedrivePolicy",
        "SqsManagedSseEnabled",
        "VisibilityTimeout",
    }
)
_READABLE = _WRITABLE | {
    "All",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
}
_OF_MESSAGES = frozenset(
    {
        "AWSTraceHeader",
        "All",
        "ApproximateFirstReceiveTimestamp",
        "ApproximateReceiveCount",
        "DeadLetterQueueSourceArn",
        "MessageDeduplicationId",
        "MessageGroupId",
        "SenderId",
        "SentTimestamp",
        "SequenceNumber",
        "SqsManagedSseEnabled",
    }
)
_KNOWN_NAMES = {
    "CreateQueue": {"Attributes": _WRITABLE},
    "SetQueueAttributes": {"Attributes": _WRITABLE},
    "GetQueueAttributes": {"AttributeNames": _READABLE},
    "ReceiveMessage": {"AttributeNames": _OF_MESSAGES, "MessageSystemAttributeNames": _OF_MESSAGES},
}


def _refuse_unknown_attributes() -> None:
    """Gap: unknown attribute names are stored or ignored, so that a misspelled one seems accepted or empty."""
    for action, parameters in _KNOWN_NAMES.items():
        sqs._HANDLERS[action] = _with_known_names(parameters, sqs._HANDLERS[action])


def _with_known_names(parameters: dict[str, frozenset[str]], handle: Any) -> Any:
    @functools.wraps(handle)
    def handle_action(data: dict[str, Any], url: str) -> Any:
        for parameter, known in parameters.items():
            for name in data.get(parameter) or ():
                if name not in known:
                    raise sqs._Err("InvalidAttributeName", f"Unknown Attribute {name}.")
        return handle(data, url)

    return handle_action
