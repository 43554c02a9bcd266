"""Has SQS itself move a whole dead-letter queue, where it can: nothing of it passes through here.

SQS moves only from a queue that is another queue's redrive target, at most 500 messages a second, one task a queue
("StartMessageMoveTask", Amazon SQS API Reference).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from client.clock import Clock
from client.errors import ActionFailedError
from client.moving import MoveResult

POLL_SECONDS = 2
MAX_RATE = 500
# What a cloud answers that cannot do it at all, or not with this queue.
_NOT_OFFERED = ("InvalidAction", "UnsupportedOperation")


def move_whole_queue(
    sqs: Any,
    source_arn: str,
    destination_arn: str,
    *,
    rate: int,
    clock: Clock,
    on_progress: Callable[[MoveResult], None] = lambda _: None,
) -> MoveResult | None:
    """Start the task and follow it to its end; asked to stop, cancel it.

    Returns:
        The result, or None where SQS does not offer this.

    Raises:
        ActionFailedError: the task failed.
    """
    try:
        sqs_task = sqs.start_message_move_task(
            SourceArn=source_arn, DestinationArn=destination_arn, MaxNumberOfMessagesPerSecond=rate
        )["TaskHandle"]
    except ClientError as error:
        if any(code in error.response["Error"]["Code"] for code in _NOT_OFFERED):
            return None
        raise
    result = MoveResult()
    while True:
        (task, *_) = sqs.list_message_move_tasks(SourceArn=source_arn, MaxResults=1)["Results"]
        result.sent = task.get("ApproximateNumberOfMessagesMoved", 0)
        on_progress(result)
        if task["Status"] == "FAILED":
            raise ActionFailedError(f"SQS moved {result.sent} messages, then failed: {task.get('FailureReason', '')}")
        if task["Status"] in ("COMPLETED", "CANCELLED"):
            return result
        if clock.requested and not result.interrupted:
            sqs.cancel_message_move_task(TaskHandle=sqs_task)
            result.interrupted = True
        clock.sleep(POLL_SECONDS)
