"""The workflow of a stack that scans for malware: events of scans, whatever their result, and the order of versions."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from components.workflow.file_workflow import workflow_definition
from tests.workflow.rig import ACCEPTED, BUCKET, REJECTED, SCAN_RESULTS, Execution, Rig, Upload

SCANNING = "scanning-workflow"
RESULTS = sorted(path.stem for path in SCAN_RESULTS.glob("*.json"))
ZEROS = "0" * 32


def sequencer_of(second: int, older_within_second: int) -> str:
    """Return a sequencer as validate creates it (functions/validate/order.py)."""
    return f"{second:024X}{older_within_second:08X}"


def deliver(rig: Rig, upload: Upload, **more: Any) -> Execution:
    """Run the scanning workflow with the event; validate returns the upload's sequencer."""
    rig.set_responses(
        upload, "validate", {"answer": {**ACCEPTED, "file": {"sequencer": upload.sequencer, "bytes": 4321}}}
    )
    return rig.run(upload, workflow=SCANNING, **more)


@pytest.fixture
def scanned(upload: Upload) -> Upload:
    return replace(upload, scan="NO_THREATS_FOUND", sequencer=sequencer_of(1_763_726_400, 0))


def test_results_are_those_of_guardduty() -> None:
    assert RESULTS == ["ACCESS_DENIED", "FAILED", "NO_THREATS_FOUND", "THREATS_FOUND", "UNSUPPORTED"]


@pytest.mark.parametrize("result", RESULTS)
def test_validate_gets_every_result(rig: Rig, scanned: Upload, result: str) -> None:
    upload = replace(scanned, scan=result)
    deliver(rig, upload)
    (file,) = rig.calls(upload, "validate")
    threats = ["EICAR-Test-File (not a virus)"] if result == "THREATS_FOUND" else []
    assert file["scan"] == {"status": result, "threats": threats}
    assert (file["bucket"], file["fileKey"], file["versionId"]) == (BUCKET, upload.file_key, upload.version_id)
    assert (file["jobId"], file["bytes"], file["sequencer"]) == (upload.job_id, 0, ZEROS)
    assert file["eventTime"] == upload.event["time"]


def test_size_and_sequencer_of_validate_are_recorded(rig: Rig, scanned: Upload) -> None:
    assert deliver(rig, scanned).output["status"] == "COMPLETED"
    for function in ("thumbnail", "metadata"):
        (payload,) = rig.calls(scanned, function)
        assert (payload["file"]["bytes"], payload["file"]["sequencer"]) == (4321, scanned.sequencer)
    asset, job = rig.asset(scanned), rig.job(scanned)
    assert (asset["bytes"], asset["sequencer"]) == (4321, scanned.sequencer)
    assert job["sequencer"] == scanned.sequencer
    (message,) = rig.notifications(scanned)
    assert message["sequencer"] == scanned.sequencer


def test_threat_is_recorded_sent_to_the_dlq_and_published(rig: Rig, scanned: Upload) -> None:
    upload = replace(scanned, scan="THREATS_FOUND")
    verdict = {**REJECTED, "reasonCode": "MALWARE_FOUND", "file": {"sequencer": upload.sequencer, "bytes": 68}}
    rig.set_responses(upload, "validate", {"answer": verdict})
    execution = rig.run(upload, workflow=SCANNING)

    assert execution.output["status"] == "REJECTED"
    assert rig.calls(upload, "thumbnail") == []
    job = rig.job(upload)
    assert (job["reasonCode"], job["sequencer"]) == ("MALWARE_FOUND", upload.sequencer)
    (kept,) = rig.dead_letters(upload)
    assert kept["event"] == upload.event
    assert (kept["reasonCode"], kept["file"]["sequencer"]) == ("MALWARE_FOUND", upload.sequencer)
    (message,) = rig.notifications(upload)
    assert (message["reasonCode"], message["sequencer"]) == ("MALWARE_FOUND", upload.sequencer)


def test_job_that_fails_before_validation_has_a_sequencer(rig: Rig, scanned: Upload) -> None:
    rig.set_responses(scanned, "validate", {"raise": "ValidateError", "message": "The bucket could not be listed."})
    assert rig.run(scanned, workflow=SCANNING).status == "FAILED"
    assert rig.job(scanned)["sequencer"] == ZEROS


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_last_of_three_uploads_within_a_second_is_recorded_in_any_order_of_completion(
    rig: Rig, scanned: Upload, order: tuple[int, ...]
) -> None:
    uploads = [replace(scanned, version_id=f"v{rank}", sequencer=sequencer_of(7, rank)) for rank in range(3)]
    for rank in order:
        deliver(rig, uploads[rank])
    assert rig.asset(scanned)["versionId"] == "v2"
    assert rig.job(uploads[2])["status"] == "COMPLETED"


def test_same_result_twice_is_a_duplicate(rig: Rig, scanned: Upload) -> None:
    deliver(rig, scanned)
    persisted_at = rig.asset(scanned)["persistedAt"]
    assert deliver(rig, scanned, receive_count=2).output["status"] == "ALREADY_FINISHED"
    assert rig.asset(scanned)["persistedAt"] == persisted_at
    assert len(rig.notifications(scanned)) == 1


def test_duplicate_whose_job_item_has_expired_changes_nothing(rig: Rig, scanned: Upload) -> None:
    deliver(rig, scanned)
    persisted_at = rig.asset(scanned)["persistedAt"]
    rig.cloud.client("dynamodb").delete_item(TableName="jobs", Key={"jobId": {"S": scanned.job_id}})
    assert deliver(rig, scanned).output["status"] == "COMPLETED"
    assert rig.asset(scanned)["persistedAt"] == persisted_at
    assert len(rig.notifications(scanned)) == 1


def test_resent_event_has_the_recorded_sequencer(rig: Rig, scanned: Upload) -> None:
    """A file recorded before scanning was enabled has S3's sequencer, which validate cannot determine."""
    recorded = replace(scanned, scan="", sequencer="0055AED6DCD90281E5")
    rig.run(recorded)
    again = replace(recorded, scan="NO_THREATS_FOUND", has_sequencer=True, run="2026-11-21T12:00:00.000+00:00")
    rig.set_responses(
        again, "validate", {"answer": {**ACCEPTED, "file": {"sequencer": again.padded_sequencer, "bytes": 1}}}
    )
    assert rig.run(again, workflow=SCANNING).output["status"] == "COMPLETED"
    assert rig.calls(again, "validate")[-1]["sequencer"] == again.padded_sequencer
    assert rig.asset(again)["run"] == again.run


def test_pending_s3_event_is_processed_as_an_unscanned_file(rig: Rig, upload: Upload) -> None:
    deliver(rig, upload)
    (file,) = rig.calls(upload, "validate")
    assert file["scan"] == {"status": "", "threats": []}
    assert (file["fileKey"], file["versionId"], file["jobId"]) == (upload.file_key, "v1", upload.job_id)
    assert file["sequencer"] == upload.padded_sequencer


def test_definition_without_scanning_has_no_scan_states(rig: Rig) -> None:
    assert "scan" not in json.dumps(rig.definition).lower()
    assert "scan" in json.dumps(workflow_definition(replace(rig.spec, malware_scan=True))).lower()
