"""Moving a whole queue with StartMessageMoveTask: rate, progress, cancellation and errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from client.errors import ActionFailedError, PipelineError
from client.move_task import move_whole_queue
from contract.moving import MoveResult
from tests.operations.simulated_queue import VirtualClock

DLQ = "arn:aws:sqs:eu-west-1:111122223333:img-pipeline-prod-transform-dlq"
QUEUE = "arn:aws:sqs:eu-west-1:111122223333:img-pipeline-prod-transform-queue"
UNSUPPORTED = "AWS.SimpleQueueService.UnsupportedOperation"


@pytest.fixture
def sqs() -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("sqs", region_name="eu-west-1", **keys)


@pytest.fixture
def aws(sqs: Any) -> Iterator[Stubber]:
    with Stubber(sqs) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def start(aws: Stubber) -> None:
    wanted = {"SourceArn": DLQ, "DestinationArn": QUEUE, "MaxNumberOfMessagesPerSecond": 20}
    aws.add_response("start_message_move_task", {"TaskHandle": "task"}, wanted)


def report(aws: Stubber, status: str, moved: int, **more: Any) -> None:
    task = {"Status": status, "ApproximateNumberOfMessagesMoved": moved, "SourceArn": DLQ, **more}
    aws.add_response("list_message_move_tasks", {"Results": [task]}, {"SourceArn": DLQ, "MaxResults": 1})


def test_the_queue_is_moved_at_the_rate_and_followed_to_the_end(sqs: Any, aws: Stubber) -> None:
    start(aws)
    report(aws, "RUNNING", 40)
    report(aws, "COMPLETED", 200)
    seen: list[int] = []

    result = move_whole_queue(
        sqs, DLQ, QUEUE, rate=20, clock=VirtualClock(), on_progress=lambda result: seen.append(result.sent)
    )

    assert result == MoveResult(sent=200)
    assert seen == [40, 200]


def test_request_to_stop_cancels_the_task_and_returns_what_was_moved(sqs: Any, aws: Stubber) -> None:
    clock = VirtualClock()
    clock.requested = True
    start(aws)
    report(aws, "RUNNING", 40)
    aws.add_response("cancel_message_move_task", {"ApproximateNumberOfMessagesMoved": 41}, {"TaskHandle": "task"})
    report(aws, "CANCELLING", 42)
    report(aws, "CANCELLED", 43)

    assert move_whole_queue(sqs, DLQ, QUEUE, rate=20, clock=clock) == MoveResult(sent=43, interrupted=True)


def test_failed_task_is_an_error_with_its_reason(sqs: Any, aws: Stubber) -> None:
    start(aws)
    report(aws, "FAILED", 3, FailureReason="AccessDenied")

    with pytest.raises(PipelineError, match="moved 3 messages, then failed: AccessDenied"):
        move_whole_queue(sqs, DLQ, QUEUE, rate=20, clock=VirtualClock())


def test_no_messages_are_moved_where_the_operation_does_not_exist(sqs: Any, aws: Stubber) -> None:
    aws.add_client_error("start_message_move_task", "InvalidAction")

    assert move_whole_queue(sqs, DLQ, QUEUE, rate=20, clock=VirtualClock()) is None


def test_no_messages_are_moved_where_the_operation_does_not_support_the_queue(sqs: Any, aws: Stubber) -> None:
    aws.add_client_error("start_message_move_task", UNSUPPORTED)
    report(aws, "COMPLETED", 7)

    assert move_whole_queue(sqs, DLQ, QUEUE, rate=20, clock=VirtualClock()) is None


def test_queue_that_another_task_is_moving_is_an_error(sqs: Any, aws: Stubber) -> None:
    aws.add_client_error("start_message_move_task", UNSUPPORTED)
    report(aws, "RUNNING", 7, TaskHandle="other")

    with pytest.raises(ActionFailedError, match=r"already moving img-pipeline-prod-transform-dlq \(7 .* other`"):
        move_whole_queue(sqs, DLQ, QUEUE, rate=20, clock=VirtualClock())


def test_any_other_refusal_is_not_hidden(sqs: Any, aws: Stubber) -> None:
    aws.add_client_error("start_message_move_task", "AccessDenied")

    with pytest.raises(sqs.exceptions.ClientError):
        move_whole_queue(sqs, DLQ, QUEUE, rate=20, clock=VirtualClock())
