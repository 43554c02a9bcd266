"""A finished file is processed again for a requested run; only the newest run changes its record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.workflow.rig import ACCEPTED, REJECTED, RENDITIONS, Fault, LostWrite, Rig, Upload

FIRST_RUN = "2026-11-21T10:00:00.000Z"
SECOND_RUN = "2026-11-21T11:00:00.000Z"
WIDER = [{"name": "w2560-jpeg", "key": "processed/c", "contentType": "image/jpeg", "width": 9, "height": 9, "bytes": 9}]
DIED = Fault(error="States.Runtime", cause="the execution died here")


@pytest.fixture
def rerun(rig: Rig, upload: Upload) -> Upload:
    """Return a request to create the renditions of a finished file again, after a change of its presets."""
    rig.run(upload)
    assert len(rig.notifications(upload)) == 1
    rig.set_responses(upload, "thumbnail", *[{"answer": {"renditions": WIDER}}] * 3)
    return replace(upload, run=FIRST_RUN)


def test_new_run_of_a_finished_file_replaces_its_record_and_is_published(rig: Rig, rerun: Upload) -> None:
    execution = rig.run(rerun)

    assert execution.output == {"jobId": rerun.job_id, "status": "COMPLETED"}
    asset, job = rig.asset(rerun), rig.job(rerun)
    assert asset["renditions"] == WIDER
    assert asset["run"] == job["run"] == FIRST_RUN
    assert "publishedAt" in asset
    assert job["finishedAt"] > job["startedAt"] > job["createdAt"]
    (message,) = rig.notifications(rerun)
    assert (message["sequencer"], message["run"]) == (rerun.padded_sequencer, FIRST_RUN)
    assert message["renditions"] == WIDER


def test_same_run_twice_is_processed_once(rig: Rig, rerun: Upload) -> None:
    rig.run(rerun)

    again = rig.run(rerun)

    assert again.output["status"] == "ALREADY_FINISHED"
    assert len(rig.calls(rerun, "validate")) == 2, "the upload and one run"
    assert len(rig.notifications(rerun)) == 1


@pytest.mark.parametrize("late_run", ["", FIRST_RUN], ids=["the upload", "an older run"])
def test_delivery_older_than_the_newest_run_is_ignored(rig: Rig, rerun: Upload, late_run: str) -> None:
    rig.run(replace(rerun, run=SECOND_RUN))
    before = rig.job(rerun), rig.asset(rerun)

    late = rig.run(replace(rerun, run=late_run))

    assert late.output["status"] == "ALREADY_FINISHED"
    assert (rig.job(rerun), rig.asset(rerun)) == before


def test_older_delivery_is_ignored_while_a_newer_run_is_in_progress(rig: Rig, rerun: Upload) -> None:
    rig.run(rerun, faults={"Persist": DIED})
    assert "finishedAt" not in rig.job(rerun)

    late = rig.run(replace(rerun, run=""))

    assert late.output["status"] == "ALREADY_FINISHED"
    assert rig.run(rerun, receive_count=2).output["status"] == "COMPLETED"
    assert rig.asset(rerun)["renditions"] == WIDER


@pytest.mark.parametrize("newest_dies_at", [None, "Publish"], ids=["newest finished", "newest not yet announced"])
def test_run_overtaken_by_a_newer_one_does_not_change_the_record(
    rig: Rig, rerun: Upload, newest_dies_at: str | None
) -> None:
    rig.run(replace(rerun, run=SECOND_RUN), faults={newest_dies_at: DIED} if newest_dies_at else None)
    record = rig.asset(rerun)
    rig.notifications(rerun)

    # The older run had updated the job's item before the newer one replaced it.
    overtaken = rig.run(rerun, faults={"MarkProcessing": LostWrite(), "MarkTransforming": LostWrite()})

    assert rig.notifications(rerun) == []
    assert overtaken.output["status"] == "ALREADY_FINISHED"
    assert rig.asset(rerun) == record
    assert rig.job(rerun)["run"] == SECOND_RUN


def test_run_that_stops_between_put_and_publish_is_published_by_its_next_delivery(rig: Rig, rerun: Upload) -> None:
    rig.run(rerun, faults={"Publish": DIED})
    assert "publishedAt" not in rig.asset(rerun)

    again = rig.run(rerun, receive_count=2)

    assert "CheckExisting" in again.states
    assert again.output["status"] == "COMPLETED"
    assert [message["run"] for message in rig.notifications(rerun)] == [FIRST_RUN]


def test_rejected_file_is_validated_again(rig: Rig, upload: Upload) -> None:
    rig.set_responses(upload, "validate", {"answer": REJECTED}, {"answer": ACCEPTED})
    rig.run(upload)
    assert rig.job(upload)["reasonCode"] == REJECTED["reasonCode"]
    rig.notifications(upload)

    rig.run(replace(upload, run=FIRST_RUN))

    job = rig.job(upload)
    assert job["status"] == "COMPLETED"
    assert job.keys().isdisjoint({"reasonCode", "reason", "hint"})
    assert rig.asset(upload)["renditions"] == RENDITIONS
    assert [message["type"] for message in rig.notifications(upload)] == ["AssetReady"]


def test_run_of_a_replaced_version_changes_nothing(rig: Rig, rerun: Upload) -> None:
    newer = replace(rerun, version_id="v2", sequencer="0A1B2D", run="")
    rig.run(newer)
    record = rig.asset(rerun)

    assert rig.run(rerun).output["status"] == "SUPERSEDED"
    assert rig.asset(rerun) == record


def test_newer_version_replaces_the_record_of_any_run(rig: Rig, rerun: Upload) -> None:
    rig.run(rerun)
    newer = replace(rerun, version_id="v2", sequencer="0A1B2D", run="")

    rig.run(newer)

    assert (rig.asset(newer)["versionId"], rig.asset(newer)["run"]) == ("v2", "")
