"""A deletion goes through the same queue and workflow as uploads, and has no job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.workflow.tasks import SNS_RETRY
from tests.workflow.rig import BUCKET, Fault, Rig, Upload

MARKER, VERSION = "Delete Marker Created", "Permanently Deleted"


def record_deletion(rig: Rig, upload: Upload) -> None:
    """Leave the record of a deletion that came after an upload."""
    rig.cloud.client("dynamodb").put_item(
        TableName="assets",
        Item={
            "fileKey": {"S": upload.file_key},
            "sequencer": {"S": "F" * 32},
            "run": {"S": "~deleted"},
            "deletedAt": {"S": "2026-11-20T10:00:01Z"},
        },
    )


@pytest.mark.parametrize("deletion", [MARKER, VERSION])
def test_deletion_is_erased_then_published(rig: Rig, upload: Upload, deletion: str) -> None:
    deleted = replace(upload, version_id="m1", deletion=deletion)

    execution = rig.run(deleted)

    assert execution.states == ("Receive", "IsDeletion", "Erase", "WasRecorded", "PublishDeletion", "Deleted")
    (payload,) = rig.calls(deleted, "erase")
    assert payload["file"]["fileKey"] == upload.file_key
    assert payload["file"]["sequencer"] == upload.padded_sequencer
    assert payload["deletion"] == {"type": deletion, "requestedBy": "123456789012"}
    assert rig.notifications(deleted) == [
        {
            "type": "AssetDeleted",
            "bucket": BUCKET,
            "fileKey": upload.file_key,
            "versionId": "m1",
            "sequencer": upload.padded_sequencer,
            "run": "",
            "mediaType": "image/jpeg",
            "deletedAt": "2026-11-20T10:00:00Z",
            "attributes": {"outcome": "DELETED", "mediaType": "image/jpeg"},
        }
    ]


def test_deletion_leaves_no_job(rig: Rig, upload: Upload) -> None:
    deleted = replace(upload, deletion=MARKER)

    rig.run(deleted)

    assert rig.job(deleted) == {}


def test_deletion_of_a_file_without_a_record_is_not_published(rig: Rig, upload: Upload) -> None:
    deleted = replace(upload, version_id="m2", deletion=MARKER)
    rig.set_responses(deleted, "erase", {"answer": {"mediaType": "", "renditions": 0, "jobs": 0}})

    assert rig.run(deleted).states[-2:] == ("WasRecorded", "Deleted")

    assert rig.notifications(deleted) == []


@pytest.mark.parametrize("late", [False, True], ids=["deleted", "processed-after-the-deletion"])
@pytest.mark.parametrize("error", ["TransientError", "Lambda.TooManyRequestsException"])
def test_erasing_is_tried_again_where_that_helps(rig: Rig, upload: Upload, error: str, late: bool) -> None:
    if late:
        record_deletion(rig, upload)
    state = "EraseLate" if late else "Erase"

    failed = rig.run(upload if late else replace(upload, deletion=MARKER), faults={state: Fault(error=error)})

    assert failed.status == "FAILED"
    assert failed.task_errors.count(error) > 1
    assert (rig.job(upload).get("status") == "FAILED") == late


def test_publishing_a_deletion_is_tried_again_where_that_helps(rig: Rig, upload: Upload) -> None:
    throttled = Fault(error="SNS.ThrottledException")

    failed = rig.run(replace(upload, deletion=MARKER), faults={"PublishDeletion": throttled})

    assert failed.task_errors.count(throttled.error) == 1 + SNS_RETRY[0]["MaxAttempts"]


@pytest.mark.parametrize("state", ["Erase", "PublishDeletion"])
def test_deletion_that_fails_leaves_its_message_on_the_queue(rig: Rig, upload: Upload, state: str) -> None:
    deleted = replace(upload, version_id="m3", deletion=MARKER)

    failed = rig.run(deleted, faults={state: Fault(error="Broken")})

    assert (failed.status, failed.error) == ("FAILED", "Broken")
    assert rig.job(deleted) == {}
    assert rig.run(deleted).status == "SUCCEEDED"


def test_version_that_was_processed_after_its_file_was_deleted_is_erased(rig: Rig, upload: Upload) -> None:
    record_deletion(rig, upload)

    execution = rig.run(upload)

    assert execution.states[-5:] == ("CheckExisting", "WhoseRecord", "EraseLate", "Supersede", "Superseded")
    (payload,) = rig.calls(upload, "erase")
    assert (payload["file"]["versionId"], "deletion" in payload) == (upload.version_id, False)
    assert rig.job(upload)["status"] == "SUPERSEDED"
    assert rig.notifications(upload) == []
