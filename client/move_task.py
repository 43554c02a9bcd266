"""Lets SQS move a whole dead-letter queue, where that is supported: no message is received here.

SQS moves only from a queue that is another queue's redrive target, at most 500 messages a second, one task a queue
("StartMessageMoveTask", Amazon SQS API Reference).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from client.errors import ActionFailedError
from contract.clock import Clock
from contract.moving import MoveResult

POLL_SECONDS = 2
MAX_RATE = 500
ACTIVE = ("RUNNING", "CANCELLING")


def move_whole_queue(
    sqs: Any,
    source_arn: str,
    destination_arn: str,
    *,
    rate: int,
    clock: Clock,
    on_progress: Callable[[MoveResult], None] = lambda _: None,
) -> MoveResult | None:
    """Start the task and follow it to its end; cancel it on a request to stop.

    Returns:
        The result, or None where SQS does not offer this.

    Raises:
        ActionFailedError: the task failed, or another one is moving the queue already.
    """
    try:
        sqs_task = sqs.start_message_move_task(
            SourceArn=source_arn, DestinationArn=destination_arn, MaxNumberOfMessagesPerSecond=rate
        )["TaskHandle"]
    except ClientError as error:
        if _is_not_offered(sqs, source_arn, error):
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


def _is_not_offered(sqs: Any, source_arn: str, error: ClientError) -> bool:
    """Whether the endpoint lacks the operation or does not support it for this queue.

    Raises:
        ActionFailedError: it is supported, but another task is moving the queue already, which SQS reports with the
            same code.
    """
    code = error.response["Error"]["Code"].rpartition(".")[-1]
    if code != "UnsupportedOperation":
        return code == "InvalidAction"
    tasks = sqs.list_message_move_tasks(SourceArn=source_arn, MaxResults=1)["Results"]
    for task in tasks:
        if task["Status"] in ACTIVE:
            queue = source_arn.rpartition(":")[-1]
            raise ActionFailedError(
                f"SQS is already moving {queue} ({task.get('ApproximateNumberOfMessagesMoved', 0)} messages so far): "
                f"wait, or end it with `aws sqs cancel-message-move-task --task-handle {task['TaskHandle']}`"
            ) from error
    return True
