"""The events that S3 sends to EventBridge about an object."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.emulator import Emulator
from tests.localcloud.workbench import Queue, Workbench

pytest_plugins = ["localcloud.pytest_fixture"]


@pytest.fixture
def bucket_and_events(cloud: Emulator) -> tuple[str, Queue]:
    """Create a versioned bucket, and a queue that receives its "Object Created" events."""
    bench = Workbench(cloud)
    bucket, queue, rule = bench.name("bucket"), bench.queue(), bench.name("rule")
    s3, events = cloud.client("s3"), cloud.client("events")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "uploads/"}]}},
    }
    bench.accept_from(queue, "events", events.put_rule(Name=rule, EventPattern=json.dumps(pattern))["RuleArn"])
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue.arn}])
    return bucket, queue


def created_object(queue: Queue) -> dict[str, Any]:
    return json.loads(queue.receive()["Body"])["detail"]["object"]


@pytest.mark.parametrize("key", ["uploads/a.jpg", "uploads/ü a+b &%.jpg", "uploads/" + "long/" * 100 + "a"])
def test_an_event_has_the_unencoded_key_and_the_version_id(
    cloud: Emulator, bucket_and_events: tuple[str, Queue], key: str
) -> None:
    bucket, queue = bucket_and_events
    version = cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=b"12345")["VersionId"]
    created = created_object(queue)
    assert (created["key"], created["version-id"], created["size"]) == (key, version, 5)


def test_later_puts_on_a_key_have_greater_sequencers(cloud: Emulator, bucket_and_events: tuple[str, Queue]) -> None:
    bucket, queue = bucket_and_events
    versions = [
        cloud.client("s3").put_object(Bucket=bucket, Key="uploads/a", Body=bytes([number]))["VersionId"]
        for number in range(5)
    ]
    events = [created_object(queue) for _ in versions]
    in_order = sorted(events, key=lambda event: event["sequencer"].rjust(32, "0"))
    assert [event["version-id"] for event in in_order] == versions


def test_events_of_copies_and_multipart_uploads_have_version_ids(
    cloud: Emulator, bucket_and_events: tuple[str, Queue]
) -> None:
    bucket, queue = bucket_and_events
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="elsewhere/a", Body=b"a")
    copy = s3.copy_object(Bucket=bucket, Key="uploads/copy", CopySource={"Bucket": bucket, "Key": "elsewhere/a"})
    assert created_object(queue)["version-id"] == copy["VersionId"]

    target = {"Bucket": bucket, "Key": "uploads/parts"}
    upload = s3.create_multipart_upload(**target)["UploadId"]
    part = s3.upload_part(**target, UploadId=upload, PartNumber=1, Body=b"part")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    whole = s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload=parts)
    assert created_object(queue)["version-id"] == whole["VersionId"]
