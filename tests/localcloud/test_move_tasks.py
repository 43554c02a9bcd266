"""Message move tasks follow the rules of SQS ("StartMessageMoveTask", Amazon SQS API Reference)."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.emulator import Emulator
from testing.waiting import eventually
from tests.localcloud.workbench import Document, Queue, Workbench

pytest_plugins = ["localcloud.pytest_fixture"]


@pytest.fixture
def bench(cloud: Emulator) -> Workbench:
    return Workbench(cloud)


def move_to_dlq(queue: Queue, *bodies: Any) -> None:
    """Send messages and receive each until it is moved to the dead-letter queue."""
    sqs = queue.cloud.client("sqs")
    for body in bodies:
        queue.send(body)
    for _ in range(len(bodies) + 1):
        sqs.receive_message(QueueUrl=queue.url, VisibilityTimeout=0, MaxNumberOfMessages=10)


def tasks(queue: Queue) -> list[Document]:
    return queue.cloud.client("sqs").list_message_move_tasks(SourceArn=queue.arn, MaxResults=10)["Results"]


def wait_for_end(queue: Queue) -> Document:
    eventually(lambda: tasks(queue)[0]["Status"] not in ("RUNNING", "CANCELLING"), "the task's end")
    return tasks(queue)[0]


def refusal(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]


def test_each_message_returns_to_the_queue_it_came_from(bench: Workbench) -> None:
    first, dlq = bench.queue_with_dlq(1)
    policy = {"deadLetterTargetArn": dlq.arn, "maxReceiveCount": 1}
    second = bench.queue(RedrivePolicy=str(policy).replace("'", '"'))
    move_to_dlq(first, "a")
    move_to_dlq(second, "b")

    bench.cloud.client("sqs").start_message_move_task(SourceArn=dlq.arn)

    task = wait_for_end(dlq)
    assert task | {"StartedTimestamp": 0} == {
        "Status": "COMPLETED",
        "SourceArn": dlq.arn,
        "ApproximateNumberOfMessagesMoved": 2,
        "ApproximateNumberOfMessagesToMove": 2,
        "StartedTimestamp": 0,
    }
    assert (first.receive()["Body"], second.receive()["Body"], dlq.depth()) == ('"a"', '"b"', (0, 0))


def test_a_moved_message_has_a_new_id_and_the_same_content(bench: Workbench) -> None:
    queue, dlq = bench.queue_with_dlq(1)
    target, sqs = bench.queue(), bench.cloud.client("sqs")
    content = {"MessageAttributes": {"kind": {"DataType": "String", "StringValue": "k"}}}
    sent = sqs.send_message(QueueUrl=queue.url, MessageBody="body", **content)["MessageId"]
    move_to_dlq(queue)
    move_to_dlq(queue)

    sqs.start_message_move_task(SourceArn=dlq.arn, DestinationArn=target.arn)

    message = target.receive()
    assert (message["Body"], message["MessageAttributes"]) == ("body", content["MessageAttributes"])
    assert message["MessageId"] != sent
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert wait_for_end(dlq)["DestinationArn"] == target.arn


def test_one_task_runs_at_a_time_at_its_rate_until_it_is_cancelled(bench: Workbench) -> None:
    queue, dlq = bench.queue_with_dlq(1)
    sqs = bench.cloud.client("sqs")
    move_to_dlq(queue, *range(5))
    handle = sqs.start_message_move_task(SourceArn=dlq.arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]

    (running,) = tasks(dlq)
    assert (running["Status"], running["TaskHandle"], running["MaxNumberOfMessagesPerSecond"]) == ("RUNNING", handle, 1)
    assert refusal(sqs.start_message_move_task, SourceArn=dlq.arn)[0].endswith("UnsupportedOperation")
    eventually(lambda: tasks(dlq)[0]["ApproximateNumberOfMessagesMoved"] > 0, "the first message")
    moved = sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]

    cancelled = wait_for_end(dlq)
    assert (cancelled["Status"], "TaskHandle" in cancelled) == ("CANCELLED", False)
    assert 0 < moved == cancelled["ApproximateNumberOfMessagesMoved"] < 5
    assert dlq.depth() == (5 - moved, 0)
    assert refusal(sqs.cancel_message_move_task, TaskHandle=handle)[0].endswith("UnsupportedOperation")
    sqs.start_message_move_task(SourceArn=dlq.arn)
    assert wait_for_end(dlq)["Status"] == "COMPLETED"
    assert [task["Status"] for task in tasks(dlq)] == ["COMPLETED", "CANCELLED"]


def test_a_message_in_flight_is_not_moved(bench: Workbench) -> None:
    queue, dlq = bench.queue_with_dlq(1)
    move_to_dlq(queue, "a")
    bench.cloud.client("sqs").receive_message(QueueUrl=dlq.url)

    bench.cloud.client("sqs").start_message_move_task(SourceArn=dlq.arn)

    assert wait_for_end(dlq)["ApproximateNumberOfMessagesMoved"] == 0
    assert dlq.depth() == (0, 1)


def test_a_message_sent_directly_to_the_dlq_needs_a_destination(bench: Workbench) -> None:
    _, dlq = bench.queue_with_dlq(1)
    dlq.send("direct")

    bench.cloud.client("sqs").start_message_move_task(SourceArn=dlq.arn)

    task = wait_for_end(dlq)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert dlq.depth() == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({"SourceArn": "{none}"}, "ResourceNotFoundException", "SourceArn parameter doesn't exist"),
        ({"SourceArn": "{dlq}", "DestinationArn": "{none}"}, "ResourceNotFoundException", "DestinationArn parameter"),
        ({"SourceArn": "{queue}"}, "InvalidParameterValue", "must be configured as a Dead Letter Queue"),
        ({"SourceArn": "{dlq}", "DestinationArn": "{dlq}"}, "InvalidParameterValue", "cannot be the same"),
        ({"SourceArn": "{dlq}", "MaxNumberOfMessagesPerSecond": 501}, "InvalidParameterValue", "between 1 and 500"),
    ],
    ids=["no source", "no destination", "no dead-letter queue", "to itself", "too fast"],
)
def test_invalid_move_tasks_are_refused(bench: Workbench, arguments: Document, code: str, message: str) -> None:
    queue, dlq = bench.queue_with_dlq(1)
    names = {"queue": queue.arn, "dlq": dlq.arn, "none": f"{queue.arn}-none"}
    given = {name: value.format(**names) if isinstance(value, str) else value for name, value in arguments.items()}

    refused = refusal(bench.cloud.client("sqs").start_message_move_task, **given)

    assert refused[0] == code
    assert message in refused[1]


def test_unknown_handles_and_invalid_counts_are_refused(bench: Workbench) -> None:
    _, dlq = bench.queue_with_dlq(1)
    sqs = bench.cloud.client("sqs")
    assert refusal(sqs.cancel_message_move_task, TaskHandle="none")[0] == "InvalidParameterValue"
    assert refusal(sqs.list_message_move_tasks, SourceArn=dlq.arn, MaxResults=11)[0] == "InvalidParameterValue"
    assert refusal(sqs.list_message_move_tasks, SourceArn=f"{dlq.arn}-none")[0] == "ResourceNotFoundException"


def test_source_queues_are_listed_page_by_page(bench: Workbench) -> None:
    queue, dlq = bench.queue_with_dlq(1)
    policy = f'{{"deadLetterTargetArn": "{dlq.arn}", "maxReceiveCount": 1}}'
    other = bench.queue(RedrivePolicy=policy)
    sqs = bench.cloud.client("sqs")
    first = sqs.list_dead_letter_source_queues(QueueUrl=dlq.url, MaxResults=1)
    rest = sqs.list_dead_letter_source_queues(QueueUrl=dlq.url, MaxResults=1, NextToken=first["NextToken"])
    assert sorted(first["queueUrls"] + rest["queueUrls"]) == sorted([queue.url, other.url])
    assert "NextToken" not in rest
    assert sqs.list_dead_letter_source_queues(QueueUrl=queue.url)["queueUrls"] == []


def test_a_role_needs_permission_for_the_task_and_for_its_steps(bench: Workbench) -> None:
    queue, dlq = bench.queue_with_dlq(1)
    move_to_dlq(queue, "a")
    role = bench.role("lambda", ("sqs:StartMessageMoveTask", queue.arn))
    sqs = bench.cloud.client("sqs", role=role.rsplit("/", 1)[1])
    assert refusal(sqs.start_message_move_task, SourceArn=dlq.arn)[0].startswith("AccessDenied")

    on_dlq = [(f"sqs:{action}", dlq.arn) for action in ("StartMessageMoveTask", "ReceiveMessage", "DeleteMessage")]
    on_dlq.append(("sqs:GetQueueAttributes", dlq.arn))
    bench.permit(role, *on_dlq)
    sqs.start_message_move_task(SourceArn=dlq.arn)
    assert wait_for_end(dlq).get("FailureReason") == "AccessDenied"
    assert dlq.depth() == (1, 0)

    bench.permit(role, *on_dlq, ("sqs:SendMessage", queue.arn))
    sqs.start_message_move_task(SourceArn=dlq.arn)
    assert wait_for_end(dlq)["Status"] == "COMPLETED"
