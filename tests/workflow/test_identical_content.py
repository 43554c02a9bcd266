"""An upload with the content of the recorded version of its file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.workflow.rig import Fault, Rig, Upload

TABLE = {"mediaType": "text/csv"}
AGAIN = {"version_id": "v2", "sequencer": "0A1B2D"}


def uploaded(rig: Rig, upload: Upload, **answer: object) -> None:
    """Process a table."""
    rig.set_responses(upload, "validate", {"answer": TABLE | answer})
    assert rig.run(upload).status == "SUCCEEDED"


def test_the_same_content_again_is_not_processed(rig: Rig, upload: Upload) -> None:
    uploaded(rig, upload)
    first, calls = rig.asset(upload), len(rig.calls(upload, "metadata"))
    assert len(rig.notifications(upload)) == 1
    again = replace(upload, **AGAIN)
    uploaded(rig, again)

    assert rig.asset(again) == {
        **first,
        "versionId": "v2",
        "sequencer": again.padded_sequencer,
        "jobId": again.job_id,
        "executionName": rig.job(again)["executionName"],
        "processedVersionId": "v1",
    }
    assert len(rig.calls(upload, "metadata")) + len(rig.calls(again, "metadata")) == calls
    job = rig.job(again)
    assert (job["status"], job["processedVersionId"]) == ("COMPLETED", "v1")
    assert "finishedAt" in job
    assert rig.notifications(again) == []


def test_the_upload_that_was_processed_is_still_named_after_a_third_one(rig: Rig, upload: Upload) -> None:
    uploaded(rig, upload)
    for version, sequencer in (("v2", "0A1B2D"), ("v3", "0A1B2E")):
        uploaded(rig, replace(upload, version_id=version, sequencer=sequencer))
    assert (rig.asset(upload)["versionId"], rig.asset(upload)["processedVersionId"]) == ("v3", "v1")


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, {"sha256": "ef" * 32}),
        ({}, {"mediaType": "image/jpeg"}),
        ({"run": "2026-11-21T00:00:00Z"}, {}),
    ],
    ids=["other content", "a type that is not skipped", "by request"],
)
def test_a_file_is_processed_again(rig: Rig, upload: Upload, changes: dict[str, str], answer: dict[str, str]) -> None:
    uploaded(rig, upload)
    again = replace(upload, **AGAIN, **changes)
    uploaded(rig, again, **answer)

    assert rig.asset(again)["versionId"] == "v2"
    assert "processedVersionId" not in rig.asset(again)
    assert len(rig.notifications(again)) == 1


def test_an_older_version_with_other_content_arriving_late_changes_nothing(rig: Rig, upload: Upload) -> None:
    uploaded(rig, upload)
    uploaded(rig, replace(upload, version_id="v3", sequencer="0A1B2E"))
    uploaded(rig, replace(upload, **AGAIN), sha256="ef" * 32)

    assert rig.asset(upload)["versionId"] == "v3"


def test_a_failure_to_finish_is_repeated_without_processing_again(rig: Rig, upload: Upload) -> None:
    uploaded(rig, upload)
    again = replace(upload, **AGAIN)
    rig.set_responses(again, "validate", {"answer": TABLE}, {"answer": TABLE})
    failed = rig.run(again, faults={"FinishIdentical": Fault(error="DynamoDB.AmazonDynamoDBException")})
    repeated = rig.run(again, receive_count=2)

    assert (failed.status, repeated.status) == ("FAILED", "SUCCEEDED")
    assert rig.job(again)["status"] == "COMPLETED"
    assert rig.asset(again)["processedVersionId"] == "v1"
