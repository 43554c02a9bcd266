"""A backfill's child workflow sends missed versions, with a sequencer in the order of the file's versions."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from client.events import announced
from components.workflow.backfill_definition import BackfillSpec, backfill_definition, child_workflow
from testing.policies import policy
from tests.workflow.rig import Rig
from tests.workflow.test_definition import FUNCTION_LIBRARY, expressions

BUCKET, TABLE = "stored-uploads", "backfilled-assets"
_names = count(1)


class Bench:
    """The child workflow with its own bucket, table and queue."""

    def __init__(self, rig: Rig) -> None:
        self.cloud = rig.cloud
        self.cloud.client("s3").create_bucket(Bucket=BUCKET)
        self.cloud.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.cloud.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "fileKey", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "fileKey", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.queue_url = self.cloud.client("sqs").create_queue(QueueName="backfilled")["QueueUrl"]
        self.spec = BackfillSpec(
            ingest_bucket=BUCKET,
            assets_table=TABLE,
            queue_url=self.queue_url,
            results_bucket="results",
            results_prefix="backfill",
            messages_per_second=50,
            tolerated_failure_percent=1,
        )
        role = self._role()
        self._machine_arns = {
            malware_scan: self.cloud.client("stepfunctions").create_state_machine(
                name=f"backfill-child{'-scanning' if malware_scan else ''}",
                definition=json.dumps(
                    {"QueryLanguage": "JSONata", **child_workflow(replace(self.spec, malware_scan=malware_scan))}
                ),
                roleArn=role,
                type="EXPRESS",
            )["stateMachineArn"]
            for malware_scan in (False, True)
        }

    def store(self, file_key: str, body: bytes = b"picture") -> str:
        """Store a version of a file and return its id."""
        return self.cloud.client("s3").put_object(Bucket=BUCKET, Key=file_key, Body=body)["VersionId"]

    def record(self, file_key: str, version_id: str, sequencer: str, *, published: bool = True) -> None:
        values = {"fileKey": file_key, "versionId": version_id, "sequencer": sequencer}
        values |= {"publishedAt": "2026-11-20T10:00:00Z"} if published else {}
        self.cloud.client("dynamodb").put_item(
            TableName=TABLE, Item={name: {"S": value} for name, value in values.items()}
        )

    def item(self, file_key: str) -> dict[str, Any]:
        """Return an object as a Distributed Map lists it."""
        return {
            "Etag": '"d41d8cd98f00b204e9800998ecf8427e"',
            "Key": file_key,
            "LastModified": 1763719200,
            "Size": 7,
            "StorageClass": "STANDARD",
        }

    def run(self, file_keys: Sequence[str], run: str = "", *, malware_scan: bool = False) -> dict[str, Any]:
        items = {"Items": [self.item(file_key) for file_key in file_keys], "BatchInput": {"run": run}}
        return self.cloud.client("stepfunctions").start_sync_execution(
            stateMachineArn=self._machine_arns[malware_scan], input=json.dumps(items)
        )

    def sent(self) -> dict[str, dict[str, Any]]:
        """Return the events since the last call by file key."""
        sqs, events = self.cloud.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                events.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        by_key = {announced(event).file_key: event for event in events}
        assert len(by_key) == len(events)
        return by_key

    def _role(self) -> str:
        iam = self.cloud.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
        allowed = {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectTagging", "dynamodb:GetItem", "sqs:SendMessage"],
            "Resource": "*",
        }
        arn = iam.create_role(RoleName="backfill", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName="backfill", PolicyName="permissions", PolicyDocument=policy(allowed))
        return arn


@pytest.fixture(scope="module")
def bench(rig: Rig) -> Bench:
    return Bench(rig)


@pytest.fixture
def file_key() -> str:
    return f"uploads/Grüße 🌄 {next(_names)}.jpg"


def test_ten_missed_files_are_sent_as_s3_events(bench: Bench) -> None:
    versions = {f"uploads/missed/{number} ü.jpg": "" for number in range(10)}
    versions = {file_key: bench.store(file_key) for file_key in versions}

    answer = bench.run(list(versions))

    assert answer["status"] == "SUCCEEDED", answer.get("cause")
    events = bench.sent()
    assert {key: event["detail"]["object"]["version-id"] for key, event in events.items()} == versions
    event = events["uploads/missed/3 ü.jpg"]
    assert event["detail-type"] == "Object Created"
    assert event["time"] == "2025-11-21T10:00:00.000Z"
    assert event["detail"]["bucket"] == {"name": BUCKET}
    assert event["detail"]["object"] == {
        "key": "uploads/missed/3 ü.jpg",
        "size": 7,
        "etag": "d41d8cd98f00b204e9800998ecf8427e",
        "version-id": versions["uploads/missed/3 ü.jpg"],
        "sequencer": "19AA5DB3D00",
    }
    assert "run" not in event


def test_finished_version_is_sent_only_for_a_requested_run(bench: Bench, file_key: str) -> None:
    bench.record(file_key, bench.store(file_key), "0" * 14 + "0055AED6DCD90281E5")

    assert bench.run([file_key])["status"] == "SUCCEEDED"
    assert bench.sent() == {}

    bench.run([file_key], run="2026-11-21T10:00:00Z")
    event = bench.sent()[file_key]
    assert event["run"] == "2026-11-21T10:00:00Z"
    assert event["detail"]["object"]["sequencer"] == "0" * 14 + "0055AED6DCD90281E5"


def test_recorded_version_without_notification_is_sent(bench: Bench, file_key: str) -> None:
    bench.record(file_key, bench.store(file_key), "0" * 14 + "0055AED6DCD90281E5", published=False)

    bench.run([file_key])

    assert bench.sent()[file_key]["detail"]["object"]["sequencer"] == "0" * 14 + "0055AED6DCD90281E5"


@pytest.mark.parametrize("addition", ["", "+019A0000000"], ids=["announced", "backfilled before"])
def test_missed_version_is_ordered_after_the_recorded_one_and_before_the_next(
    bench: Bench, file_key: str, addition: str
) -> None:
    recorded, announced_next = "0" * 14 + "0055AED6DCD90281E5", "0" * 14 + "0055AED6DCD90281E6"
    bench.store(file_key, b"recorded")
    bench.record(file_key, "the version before", recorded + addition)
    bench.store(file_key, b"missed")

    bench.run([file_key])

    sequencer = bench.sent()[file_key]["detail"]["object"]["sequencer"]
    assert recorded + addition < sequencer < announced_next


def test_file_that_cannot_be_sent_fails_its_child_and_no_other(bench: Bench, file_key: str) -> None:
    bench.store(file_key)

    answer = bench.run(["uploads/gone.jpg", file_key])

    assert (answer["status"], answer["error"]) == ("FAILED", "NotAllSent")
    assert [entry["key"] for entry in json.loads(answer["cause"])] == ["uploads/gone.jpg"]
    assert bench.sent().keys() == {file_key}


def tag(bench: Bench, file_key: str, status: str) -> None:
    """Tag the file's current version with the result of a malware scan."""
    tags = [{"Key": "Colour", "Value": "red"}, {"Key": "GuardDutyMalwareScanStatus", "Value": status}]
    bench.cloud.client("s3").put_object_tagging(Bucket=BUCKET, Key=file_key, Tagging={"TagSet": tags})


@pytest.mark.parametrize("status", ["NO_THREATS_FOUND", "THREATS_FOUND", "UNSUPPORTED"])
def test_scanned_file_is_sent_with_its_scan_result_and_without_a_sequencer(
    bench: Bench, file_key: str, status: str
) -> None:
    version_id = bench.store(file_key)
    tag(bench, file_key, status)

    assert bench.run([file_key], malware_scan=True)["status"] == "SUCCEEDED"

    event = bench.sent()[file_key]
    assert event["detail-type"] == "GuardDuty Malware Protection Object Scan Result"
    assert event["detail"]["s3ObjectDetails"] == {
        "bucketName": BUCKET,
        "objectKey": file_key,
        "versionId": version_id,
        "eTag": "d41d8cd98f00b204e9800998ecf8427e",
    }
    assert event["detail"]["scanResultDetails"] == {"scanResultStatus": status}
    assert not event.keys() & {"sequencer", "run"}


def test_unscanned_file_is_not_sent(bench: Bench, file_key: str) -> None:
    bench.store(file_key)
    assert bench.run([file_key], run="2026-11-21T10:00:00Z", malware_scan=True)["status"] == "SUCCEEDED"
    assert bench.sent() == {}


def test_scanned_file_that_is_recorded_keeps_its_sequencer(bench: Bench, file_key: str) -> None:
    bench.record(file_key, bench.store(file_key), "0" * 14 + "0055AED6DCD90281E5")
    tag(bench, file_key, "NO_THREATS_FOUND")

    bench.run([file_key], malware_scan=True)
    assert bench.sent() == {}

    bench.run([file_key], run="2026-11-21T10:00:00Z", malware_scan=True)
    event = bench.sent()[file_key]
    assert (event["sequencer"], event["run"]) == ("0" * 14 + "0055AED6DCD90281E5", "2026-11-21T10:00:00Z")


def test_concurrent_children_limit_the_messages_per_second(bench: Bench) -> None:
    enqueue = backfill_definition(bench.spec)["States"]["EnqueueAll"]
    hold = enqueue["ItemProcessor"]["States"]["Hold"]

    messages_per_second = enqueue["MaxConcurrency"] * enqueue["ItemBatcher"]["MaxItemsPerBatch"] / hold["Seconds"]

    assert messages_per_second == bench.spec.messages_per_second
    assert enqueue["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    assert enqueue["ToleratedFailurePercentage"] == 1
    assert enqueue["ResultWriter"]["Arguments"] == {"Bucket": "results", "Prefix": "backfill"}


@pytest.mark.parametrize("malware_scan", [False, True])
def test_expressions_use_only_functions_of_step_functions(bench: Bench, malware_scan: bool) -> None:
    found = list(expressions(backfill_definition(replace(bench.spec, malware_scan=malware_scan))))
    assert found
    for each in found:
        assert set(re.findall(r"\$(\w+)\(", each)) <= set(FUNCTION_LIBRARY.split()), each
        assert not re.search(r"\$(?![A-Za-z])", each), "a bare $ has no value in Step Functions"
