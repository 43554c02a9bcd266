"""The backfill's state machine: created only if enabled, with permission to list, read tags or metadata, and send."""

import json

import pytest

from policies.recording import ACCOUNT_ID, REGION, Recording, run
from tests.infra.test_permissions import granted_to, role_policies, unexplained
from tests.infra.test_policies import violations
from tests.infra.test_settings import refusal

MACHINE = "aws:sfn/stateMachine:StateMachine"
STATES = f"arn:aws:states:{REGION}:{ACCOUNT_ID}"


@pytest.fixture(scope="module")
def backfilled() -> Recording:
    settings = {"enabled": True, "messagesPerSecond": 20, "toleratedFailurePercent": 2.5}
    return run("prod", {"backfill": settings, "encryption": "kms"})


def test_no_stack_has_one_unless_it_is_enabled(recording: Recording) -> None:
    prefix = f"img-pipeline-{recording.stack}-"
    machines = {machine.inputs["name"].removeprefix(prefix) for machine in recording.of_type(MACHINE)}
    assert machines == {"state-machine", "order-state-machine"}
    assert recording.outputs["backfillArn"] == ""
    assert "backfill" not in recording.outputs["roleArns"]


def test_its_state_machine_lists_this_stacks_uploads_and_sends_to_this_stacks_queue(backfilled: Recording) -> None:
    machine = backfilled.one(MACHINE, name="img-pipeline-prod-backfill")
    definition = json.loads(machine.inputs["definition"])["States"]["EnqueueAll"]
    assert machine.inputs["type"] == "STANDARD", "it may take days"
    assert definition["ItemReader"]["Arguments"]["Bucket"] == backfilled.outputs["ingestBucket"]
    assert definition["ResultWriter"]["Arguments"] == {
        "Bucket": backfilled.outputs["processedBucket"],
        "Prefix": "backfill",
    }
    assert definition["MaxConcurrency"] == 20
    assert definition["ToleratedFailurePercentage"] == 2.5
    states = definition["ItemProcessor"]["States"]["Enqueue"]["ItemProcessor"]["States"]
    assert states["Send"]["Arguments"]["QueueUrl"] == backfilled.outputs["transformQueueUrl"]
    assert states["FindRecord"]["Arguments"]["TableName"] == backfilled.outputs["assetsTable"]
    assert backfilled.outputs["backfillArn"] == machine.arn


def test_its_role_has_exactly_these_permissions(backfilled: Recording) -> None:
    ingest = f"arn:aws:s3:::img-pipeline-prod-ingest-{ACCOUNT_ID}"
    results = f"arn:aws:s3:::img-pipeline-prod-processed-{ACCOUNT_ID}/backfill/*"
    key = backfilled.one("aws:kms/key:Key").arn
    assert granted_to(backfilled, "backfill") == {
        ("s3:ListBucket", ingest),
        ("s3:GetObject", f"{ingest}/uploads/*"),
        ("dynamodb:GetItem", backfilled.one("Table", name="img-pipeline-prod-assets").arn),
        ("sqs:SendMessage", backfilled.one("aws:sqs/queue:Queue", name="img-pipeline-prod-transform-queue").arn),
        ("states:StartExecution", f"{STATES}:stateMachine:img-pipeline-prod-backfill"),
        ("states:DescribeExecution", f"{STATES}:execution:img-pipeline-prod-backfill:*"),
        ("states:StopExecution", f"{STATES}:execution:img-pipeline-prod-backfill:*"),
        *((f"s3:{action}", results) for action in ("PutObject", "GetObject", "ListMultipartUploadParts")),
        ("s3:AbortMultipartUpload", results),
        *((f"xray:{action}", "*") for action in ("PutTraceSegments", "PutTelemetryRecords")),
        *((f"xray:{action}", "*") for action in ("GetSamplingRules", "GetSamplingTargets")),
        ("kms:Decrypt", key),
        ("kms:GenerateDataKey", key),
    }


def test_it_is_traced(backfilled: Recording) -> None:
    machine = backfilled.one(MACHINE, name="img-pipeline-prod-backfill")
    assert machine.inputs["tracingConfiguration"] == {"enabled": True}


def test_it_lists_uploads_only(backfilled: Recording) -> None:
    (document,) = (
        document for policy, document in role_policies(backfilled) if policy.inputs["role"].endswith("-backfill")
    )
    (listing,) = (statement for statement in document["Statement"] if statement["Action"] == ["s3:ListBucket"])
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["uploads/*"]}}


def test_it_satisfies_the_rules_and_every_permission_has_a_reason(backfilled: Recording) -> None:
    assert violations(backfilled.cloud_resources) == []
    assert unexplained(backfilled) == []


def test_its_role_is_assumed_by_state_machines_of_this_account_only(backfilled: Recording) -> None:
    role = backfilled.one("Role", name="img-pipeline-prod-backfill")
    (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": "states.amazonaws.com"}
    # AWS documents this pattern: children of a Distributed Map may present another ARN than their parent's.
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT_ID},
        "ArnLike": {"aws:SourceArn": f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:*"},
    }
    assert backfilled.outputs["roleArns"]["backfill"] == role.arn


@pytest.mark.parametrize(
    ("backfill", "key"),
    [
        ({"messagesPerSecond": 0}, "backfill.messagesPerSecond"),
        ({"toleratedFailurePercent": 101}, "backfill.toleratedFailurePercent"),
        ({"enabled": "yes"}, "backfill.enabled"),
    ],
)
def test_an_invalid_rate_is_refused_by_name(backfill: dict, key: str) -> None:
    assert f"img-pipeline:{key}" in refusal(backfill=backfill)
