"""The job id in a key belongs to the first version of the key, in any order of events."""

from __future__ import annotations

import uuid

import pytest

from tests.workflow.rig import BUCKET, Fault, Rig, Upload

FIRST, SECOND = "0A01", "0A02"
S3_IS_BUSY = Fault(error="S3.S3Exception", cause="Please reduce your request rate.")


@pytest.fixture
def key() -> str:
    """Return a key as the API creates it."""
    return f"uploads/{uuid.uuid4().hex}/cat.jpg"


def stored_twice(rig: Rig, key: str) -> tuple[Upload, Upload]:
    """Store two versions under one key, the first with the key's job id."""
    first = rig.store(Upload(file_key=key, sequencer=FIRST, has_job_id_of_key=True))
    return first, rig.store(Upload(file_key=key, sequencer=SECOND))


def test_only_version_has_the_job_id_of_its_key(rig: Rig, key: str) -> None:
    upload = rig.store(Upload(file_key=key, has_job_id_of_key=True))

    assert rig.run(upload).output == {"jobId": upload.job_id, "status": "COMPLETED"}

    assert rig.job(upload)["versionId"] == upload.version_id
    assert rig.asset(upload)["jobId"] == upload.job_id
    assert [message["versionId"] for message in rig.notifications(upload)] == [upload.version_id]


@pytest.mark.parametrize("in_order", [True, False], ids=["first-comes-first", "second-comes-first"])
def test_two_versions_under_a_key_with_a_job_id_are_two_jobs(rig: Rig, key: str, in_order: bool) -> None:
    first, second = stored_twice(rig, key)

    for upload in (first, second) if in_order else (second, first):
        rig.run(upload)

    assert first.job_id in key
    assert second.job_id not in key
    assert (rig.job(first)["versionId"], rig.job(second)["versionId"]) == (first.version_id, second.version_id)
    assert rig.job(second)["status"] == "COMPLETED"
    assert rig.job(first)["status"] == ("COMPLETED" if in_order else "SUPERSEDED")
    assert rig.asset(second)["versionId"] == second.version_id


def test_repeated_event_of_a_finished_job_changes_nothing(rig: Rig, key: str) -> None:
    upload = rig.store(Upload(file_key=key, has_job_id_of_key=True))
    rig.run(upload)
    before = rig.job(upload)

    assert rig.run(upload).output == {"jobId": upload.job_id, "status": "ALREADY_FINISHED"}

    assert rig.job(upload) == before


def test_job_id_belongs_to_a_permanently_deleted_first_version(rig: Rig, key: str) -> None:
    first, second = stored_twice(rig, key)
    rig.run(first)
    rig.cloud.client("s3").delete_object(Bucket=BUCKET, Key=key, VersionId=first.version_id)

    rig.run(second)

    assert rig.job(first)["versionId"] == first.version_id
    assert rig.job(second)["status"] == "COMPLETED"


def test_upload_after_a_deletion_is_not_the_first_version(rig: Rig, key: str) -> None:
    rig.cloud.client("s3").delete_object(Bucket=BUCKET, Key=key)
    upload = rig.store(Upload(file_key=key))

    rig.run(upload)

    assert rig.job(upload)["status"] == "COMPLETED"


def test_versions_of_keys_with_the_same_prefix_are_ignored(rig: Rig, key: str) -> None:
    rig.store(Upload(file_key=f"{key}.bak"))
    upload = rig.store(Upload(file_key=key, has_job_id_of_key=True))

    rig.run(upload)

    assert rig.job(upload)["status"] == "COMPLETED"


def test_item_created_with_the_job_id_is_unchanged(rig: Rig, key: str) -> None:
    upload = rig.store(Upload(file_key=key, has_job_id_of_key=True))
    row = {"jobId": {"S": upload.job_id}, "status": {"S": "PENDING"}, "createdAt": {"S": "2026-11-01T00:00:00Z"}}
    rig.cloud.client("dynamodb").put_item(TableName="jobs", Item=row)

    rig.run(upload)

    assert rig.job(upload)["createdAt"] == "2026-11-01T00:00:00Z"
    assert rig.job(upload)["status"] == "COMPLETED"


def test_no_job_fails_while_the_owner_of_the_job_id_is_unknown(rig: Rig, key: str) -> None:
    first, second = stored_twice(rig, key)

    execution = rig.run(second, faults={"FindOlderVersion": S3_IS_BUSY})

    assert (execution.status, execution.error) == ("FAILED", "S3.S3Exception")
    assert rig.job(first) == rig.job(second) == {}
    assert rig.run(second).output["status"] == "COMPLETED"


def test_failed_claim_leaves_the_message_on_the_queue(rig: Rig, key: str) -> None:
    upload = rig.store(Upload(file_key=key, has_job_id_of_key=True))
    busy = Fault(error="DynamoDB.ThrottlingException", cause="Rate exceeded")

    assert rig.run(upload, faults={"ClaimJob": busy}).status == "FAILED"

    assert rig.run(upload).output == {"jobId": upload.job_id, "status": "COMPLETED"}


def handed_out_to(rig: Rig, key: str, owner: str) -> None:
    """Leave the row that the API creates when it hands out a key."""
    row = {"jobId": {"S": key.split("/")[1]}, "status": {"S": "PENDING"}, "owner": {"S": owner}}
    rig.cloud.client("dynamodb").put_item(TableName="jobs", Item=row)


@pytest.mark.parametrize("in_order", [True, False], ids=["first-comes-first", "second-comes-first"])
def test_every_version_under_a_key_belongs_to_whom_it_was_handed_out(rig: Rig, key: str, in_order: bool) -> None:
    handed_out_to(rig, key, "alice")
    first, second = stored_twice(rig, key)

    for upload in (first, second) if in_order else (second, first):
        rig.run(upload)

    assert (rig.job(first)["owner"], rig.job(second)["owner"]) == ("alice", "alice")
    assert rig.asset(second)["owner"] == "alice"


def test_version_under_a_key_that_nobody_was_given_has_no_owner(rig: Rig, key: str) -> None:
    _, second = stored_twice(rig, key)

    rig.run(second)

    assert "owner" not in rig.job(second)
    assert rig.asset(second)["owner"] == "direct"


@pytest.mark.parametrize("state", ["FindOwner", "InheritOwner"])
def test_no_version_is_processed_before_its_owner_is_known(rig: Rig, key: str, state: str) -> None:
    handed_out_to(rig, key, "alice")
    _, second = stored_twice(rig, key)
    busy = Fault(error="DynamoDB.ThrottlingException", cause="Rate exceeded")

    assert rig.run(second, faults={state: busy}).status == "FAILED"

    assert rig.job(second) == {}
    rig.run(second)
    assert rig.asset(second)["owner"] == "alice"
