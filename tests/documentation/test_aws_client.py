"""What an operator asks with the `aws` client, in the order of an incident, is answered here as on AWS."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testing.stack import Stack, deployed_stack
from testing.waiting import eventually

# More than are moved at one a second before the client has started four times on a slow machine.
DEAD_LETTERS = 60
# Version 1 of the client, the one on PyPI, ignores AWS_ENDPOINT_URL for SQS.
WITH_ENDPOINT = 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }'
Aws = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack of its own: its dead letters set off alarms that other tests would find."""
    with deployed_stack() as deployed:
        yield deployed


@pytest.fixture(scope="module")
def aws(stack: Stack) -> Aws:
    """Run a command line as a shell does, with the stack's names in its variables; the answer is printed."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(stack.cloud.data_directory),
        "AWS_ENDPOINT_URL": stack.cloud.endpoint_url,
        "AWS_ACCESS_KEY_ID": stack.cloud.account_id,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": stack.cloud.region,
        "AWS_PAGER": "",
        "QUEUE_URL": stack.outputs["transformQueueUrl"],
        "DLQ_URL": stack.outputs["transformDlqUrl"],
        "DLQ_ARN": arn_of(stack, stack.outputs["transformDlqUrl"]),
        "MACHINE": stack.outputs["stateMachineArn"],
        "MACHINE_LOG": stack.outputs["logGroups"]["workflow"],
        "VALIDATE_LOG": stack.outputs["logGroups"]["validate"],
    }

    def run(command: str) -> subprocess.CompletedProcess[str]:
        answer = subprocess.run(  # noqa: S603
            ["/bin/bash", "-c", f"{WITH_ENDPOINT}\n{command}"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        print(f"$ {command}\n{answer.stdout}{answer.stderr}")
        return answer

    return run


def arn_of(stack: Stack, queue_url: str) -> str:
    return f"arn:aws:sqs:{stack.cloud.region}:{stack.cloud.account_id}:{queue_url.rsplit('/', 1)[1]}"


def answer_of(aws: Aws, command: str) -> Any:
    answer = aws(command)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout) if answer.stdout.strip() else None


def refusal_of(aws: Aws, command: str) -> str:
    answer = aws(command)
    assert answer.returncode != 0, answer.stdout
    found = re.search(r"An error occurred \(([^)]+)\)", answer.stderr)
    assert found, answer.stderr
    return found[1]


@pytest.fixture
def dead_letters(stack: Stack) -> Iterator[None]:
    """Fill the dead-letter queue as failed attempts do, while the pipe takes nothing."""
    sqs, queue, dlq = stack.cloud.client("sqs"), stack.outputs["transformQueueUrl"], stack.outputs["transformDlqUrl"]

    def all_failed() -> bool:
        sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0, WaitTimeSeconds=0, MaxNumberOfMessages=10)
        return stack.pipeline.queue_depth(dlq) == DEAD_LETTERS

    with stack.paused():
        for number in range(DEAD_LETTERS):
            attributes = {"number": {"DataType": "Number", "StringValue": str(number)}}
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"number": number}), MessageAttributes=attributes)
        eventually(all_failed, "the dead letters", 60)
        yield
        for url in (queue, dlq):
            sqs.purge_queue(QueueUrl=url)


@pytest.mark.usefixtures("dead_letters")
def test_dead_letters_are_listed_moved_cancelled_and_purged(aws: Aws) -> None:
    depth = "aws sqs get-queue-attributes --queue-url $DLQ_URL --attribute-names ApproximateNumberOfMessages"
    assert answer_of(aws, depth) == {"Attributes": {"ApproximateNumberOfMessages": str(DEAD_LETTERS)}}
    unknown = "aws sqs get-queue-attributes --queue-url $DLQ_URL --attribute-names Depth"
    assert refusal_of(aws, unknown) == "InvalidAttributeName"

    (message,) = answer_of(
        aws,
        "aws sqs receive-message --queue-url $DLQ_URL --attribute-names All --message-attribute-names All "
        "--visibility-timeout 0",
    )["Messages"]
    assert message["MessageAttributes"]["number"]["StringValue"] == str(json.loads(message["Body"])["number"])
    sources = answer_of(aws, "aws sqs list-dead-letter-source-queues --queue-url $DLQ_URL")["queueUrls"]
    assert [message["Attributes"]["DeadLetterQueueSourceArn"].rsplit(":", 1)[1]] == [
        url.rsplit("/", 1)[1] for url in sources
    ]

    start = "aws sqs start-message-move-task --source-arn $DLQ_ARN"
    listing = "aws sqs list-message-move-tasks --source-arn $DLQ_ARN"
    handle = answer_of(aws, f"{start} --max-number-of-messages-per-second 1")["TaskHandle"]
    (running,) = answer_of(aws, listing)["Results"]
    assert (running["Status"], running["TaskHandle"]) == ("RUNNING", handle)
    assert refusal_of(aws, start).endswith("UnsupportedOperation")
    answer_of(aws, f"aws sqs cancel-message-move-task --task-handle {handle}")
    eventually(lambda: answer_of(aws, listing)["Results"][0]["Status"] == "CANCELLED", "the cancellation", 30)

    answer_of(aws, start)
    eventually(lambda: answer_of(aws, listing)["Results"][0]["Status"] == "COMPLETED", "the end of the task", 30)
    assert answer_of(aws, depth) == {"Attributes": {"ApproximateNumberOfMessages": "0"}}
    queue_depth = depth.replace("DLQ_URL", "QUEUE_URL")
    assert answer_of(aws, queue_depth) == {"Attributes": {"ApproximateNumberOfMessages": str(DEAD_LETTERS)}}
    answer_of(aws, "aws sqs purge-queue --queue-url $QUEUE_URL")
    assert answer_of(aws, queue_depth) == {"Attributes": {"ApproximateNumberOfMessages": "0"}}


def test_workflow_logs_and_alarms_are_read(aws: Aws, stack: Stack) -> None:
    stack.finish(stack.upload("uploads/asked.jpg"))
    machine = answer_of(aws, "aws stepfunctions describe-state-machine --state-machine-arn $MACHINE")
    assert (machine["type"], machine["status"]) == ("EXPRESS", "ACTIVE")
    refused = refusal_of(aws, "aws stepfunctions list-executions --state-machine-arn $MACHINE")
    assert refused == "StateMachineTypeNotSupported"

    for group in ("$VALIDATE_LOG", "$MACHINE_LOG"):
        # Version 2's `aws logs tail` makes this call.
        assert "events" in answer_of(aws, f"aws logs filter-log-events --log-group-name {group} --max-items 3")
    events = answer_of(aws, "aws logs filter-log-events --log-group-name $VALIDATE_LOG --filter-pattern '%asked%'")
    assert any("uploads/asked.jpg" in event["message"] for event in events["events"])
    alarms = answer_of(aws, "aws cloudwatch describe-alarms --state-value ALARM")
    assert isinstance(alarms["MetricAlarms"], list)
