"""Duplicate events, events out of order, and events after interrupted executions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.workflow.rig import REJECTED, Fault, LostWrite, Rig, Upload

BROKEN = {"raise": "ThumbnailError", "message": "no luck"}
DIED = Fault(error="States.Runtime", cause="the execution died here")
CONDITION_FAILED = Fault(error="DynamoDB.ConditionalCheckFailedException", cause="The conditional request failed")


def test_same_event_twice_is_processed_once(rig: Rig, upload: Upload) -> None:
    rig.run(upload)
    before = rig.job(upload), rig.asset(upload)

    again = rig.run(upload)

    assert again.status == "SUCCEEDED"
    assert again.output == {"jobId": upload.job_id, "status": "ALREADY_FINISHED"}
    assert (rig.job(upload), rig.asset(upload)) == before
    assert len(rig.calls(upload, "validate")) == 1
    assert len(rig.notifications(upload)) == 1


def test_rejected_event_twice_is_rejected_once(rig: Rig, upload: Upload) -> None:
    rig.set_responses(upload, "validate", {"answer": REJECTED})
    rig.run(upload)

    again = rig.run(upload)

    assert again.output["status"] == "ALREADY_FINISHED"
    assert len(rig.dead_letters(upload)) == 1
    assert len(rig.notifications(upload)) == 1


def test_delivery_overtaken_while_validating_does_not_change_the_outcome(rig: Rig, upload: Upload) -> None:
    slow, quick = rig.run_twice_at_once(upload, "validate", {}, {})

    assert quick.output["status"] == "COMPLETED"
    assert slow.output["status"] == "ALREADY_FINISHED"
    assert rig.job(upload)["executionName"] == quick.name
    assert len(rig.notifications(upload)) == 1


def test_delivery_that_fails_after_another_completed_keeps_the_completed_status(rig: Rig, upload: Upload) -> None:
    slow, quick = rig.run_twice_at_once(upload, "thumbnail", BROKEN, {})

    assert quick.output["status"] == "COMPLETED"
    assert slow.status == "SUCCEEDED"
    assert slow.output["status"] == "ALREADY_FINISHED"
    assert rig.job(upload)["status"] == "COMPLETED"
    assert "reasonCode" not in rig.job(upload)


def test_delivery_that_completes_after_another_failed_clears_the_failure(rig: Rig, upload: Upload) -> None:
    slow, quick = rig.run_twice_at_once(upload, "thumbnail", {}, BROKEN)

    assert quick.status == "FAILED"
    assert slow.output["status"] == "COMPLETED"
    assert rig.job(upload)["status"] == "COMPLETED"
    assert "reasonCode" not in rig.job(upload)


def test_delivery_overtaken_while_rejecting_sends_one_dead_letter_and_one_notification(
    rig: Rig, upload: Upload
) -> None:
    slow, quick = rig.run_twice_at_once(upload, "validate", {"answer": REJECTED}, {"answer": REJECTED})

    assert quick.output["status"] == "REJECTED"
    assert slow.output["status"] == "ALREADY_FINISHED"
    assert len(rig.dead_letters(upload)) == 1
    assert len(rig.notifications(upload)) == 1


@pytest.mark.parametrize("write", ["FinishRejection", "FinishIdentical", "Complete", "Supersede"])
def test_failed_condition_of_the_last_write_is_a_success(rig: Rig, upload: Upload, write: str) -> None:
    if write == "FinishRejection":
        rig.set_responses(upload, "validate", {"answer": REJECTED})
    if write == "FinishIdentical":
        earlier = replace(upload, version_id="v0", sequencer="0A")
        for each in (earlier, upload):
            rig.set_responses(each, "validate", {"answer": {"mediaType": "text/csv"}})
        rig.run(earlier)
    if write == "Supersede":
        rig.run(replace(upload, version_id="v2", sequencer="FF"))
        upload = replace(upload, sequencer="0A")

    execution = rig.run(upload, faults={write: CONDITION_FAILED})

    assert execution.states[-2:] == (write, "AlreadyFinished")
    assert execution.status == "SUCCEEDED"


def test_newer_version_replaces_the_record(rig: Rig, upload: Upload) -> None:
    newer = replace(upload, version_id="v2", sequencer="0A1B2D")
    rig.run(upload)

    rig.run(newer)

    assert rig.asset(upload)["versionId"] == "v2"
    assert rig.asset(upload)["jobId"] == newer.job_id
    assert "publishedAt" in rig.asset(upload)
    assert rig.job(upload)["status"] == rig.job(newer)["status"] == "COMPLETED"
    assert len(rig.notifications(newer)) == 1


@pytest.mark.parametrize("newer_sequencer", ["0A1B2D", "01B2C3D"], ids=["same length", "longer"])
def test_older_version_arriving_late_changes_nothing(rig: Rig, upload: Upload, newer_sequencer: str) -> None:
    newer = replace(upload, version_id="v2", sequencer=newer_sequencer)
    rig.run(newer)
    record = rig.asset(newer)

    late = rig.run(upload)

    assert late.status == "SUCCEEDED"
    assert late.output == {"jobId": upload.job_id, "status": "SUPERSEDED"}
    assert rig.asset(upload) == record
    assert rig.job(upload)["status"] == "SUPERSEDED"
    assert rig.stages(upload)[-1] == (1, "SUPERSEDED")
    assert rig.notifications(upload) == []


def test_crash_between_put_and_publish_publishes_the_asset_once(rig: Rig, upload: Upload) -> None:
    crashed = rig.run(upload, faults={"Publish": DIED})
    assert crashed.status == "FAILED"
    assert "publishedAt" not in rig.asset(upload)
    assert rig.notifications(upload) == []

    again = rig.run(upload, receive_count=2)

    assert "CheckExisting" in again.states
    assert again.output["status"] == "COMPLETED"
    assert "publishedAt" in rig.asset(upload)
    assert len(rig.notifications(upload)) == 1


def test_crash_between_publish_and_its_record_publishes_again(rig: Rig, upload: Upload) -> None:
    rig.run(upload, faults={"MarkPublished": DIED})

    rig.run(upload, receive_count=2)

    first, second = rig.notifications(upload)
    assert (first["fileKey"], first["sequencer"]) == (second["fileKey"], second["sequencer"])
    assert rig.job(upload)["status"] == "COMPLETED"


def test_crash_after_the_record_completes_without_publishing_again(rig: Rig, upload: Upload) -> None:
    rig.run(upload, faults={"Complete": DIED})

    again = rig.run(upload, receive_count=2)

    assert again.output["status"] == "COMPLETED"
    assert len(rig.notifications(upload)) == 1


def test_newer_version_that_replaces_the_record_before_it_is_marked_is_unchanged(rig: Rig, upload: Upload) -> None:
    newer = replace(upload, version_id="v2", sequencer="0A1B2D")
    rig.run(newer)
    record = rig.asset(newer)

    execution = rig.run(upload, faults={"Persist": LostWrite()})

    assert execution.output["status"] == "COMPLETED"
    assert rig.asset(upload) == record


@pytest.mark.parametrize("crash_at", ["SendToValidateDlq", "PublishRejection", "FinishRejection"])
def test_rejection_is_finished_only_after_its_dead_letter_and_notification(
    rig: Rig, upload: Upload, crash_at: str
) -> None:
    rig.set_responses(upload, "validate", {"answer": REJECTED})

    crashed = rig.run(upload, faults={crash_at: DIED})

    assert crashed.status == "FAILED"
    assert "finishedAt" not in rig.job(upload)
    again = rig.run(upload, receive_count=2)
    assert again.output["status"] == "REJECTED"
    assert rig.job(upload)["reasonCode"] == REJECTED["reasonCode"]
    assert len(rig.dead_letters(upload)) >= 1
    assert len(rig.notifications(upload)) >= 1


def test_last_write_of_a_rejection_has_the_complete_outcome(rig: Rig, upload: Upload) -> None:
    """Another execution can have overwritten the first one."""
    rig.set_responses(upload, "validate", {"answer": REJECTED})

    rig.run(upload, faults={"RecordRejection": LostWrite()})

    explanation = {name: REJECTED[name] for name in ("reasonCode", "reason", "hint", "mediaType")}
    assert rig.job(upload).items() >= {"status": "REJECTED", **explanation}.items()
