"""SQS refuses unknown attribute names (InvalidAttributeName, Amazon SQS API Reference)."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.emulator import Emulator
from tests.localcloud.workbench import Workbench

pytest_plugins = ["localcloud.pytest_fixture"]


@pytest.fixture
def bench(cloud: Emulator) -> Workbench:
    return Workbench(cloud)


@pytest.mark.parametrize(
    ("operation", "arguments", "unknown"),
    [
        ("get_queue_attributes", {"AttributeNames": ["QueueArn", "Depth"]}, "Depth"),
        (
            "set_queue_attributes",
            {"Attributes": {"VisibilityTimeout": "60", "VisibilityTimeOut": "60"}},
            "VisibilityTimeOut",
        ),
        ("set_queue_attributes", {"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:a"}}, "QueueArn"),
        ("receive_message", {"AttributeNames": ["All", "SendTimestamp"]}, "SendTimestamp"),
        ("receive_message", {"MessageSystemAttributeNames": ["SendTimestamp"]}, "SendTimestamp"),
    ],
)
def test_unknown_attribute_is_refused_by_name(
    bench: Workbench, operation: str, arguments: dict[str, Any], unknown: str
) -> None:
    queue, sqs = bench.queue(VisibilityTimeout="30"), bench.cloud.client("sqs")
    with pytest.raises(ClientError) as refused:
        getattr(sqs, operation)(QueueUrl=queue.url, **arguments)
    assert refused.value.response["Error"]["Code"] == "InvalidAttributeName"
    assert refused.value.response["Error"]["Message"] == f"Unknown Attribute {unknown}."
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    known = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert known == {"VisibilityTimeout": "30"}


def test_queue_with_an_unknown_attribute_is_not_created(bench: Workbench) -> None:
    name, sqs = bench.name("queue"), bench.cloud.client("sqs")
    with pytest.raises(ClientError) as refused:
        sqs.create_queue(QueueName=name, Attributes={"RetentionPeriod": "60"})
    assert refused.value.response["Error"]["Code"] == "InvalidAttributeName"
    assert refused.value.response["Error"]["Message"] == "Unknown Attribute RetentionPeriod."
    assert sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", []) == []
