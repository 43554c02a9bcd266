"""A file that is accepted, and one that is rejected."""

from __future__ import annotations

import time
from itertools import pairwise

from contract.assets import recorded
from tests.workflow.rig import ACCEPTED, JOB_RETENTION_DAYS, METADATA, REJECTED, RENDITIONS, Rig, Upload, as_stored

SECONDS_PER_DAY = 86_400


def test_accepted_file_is_recorded_published_and_finished(rig: Rig, upload: Upload) -> None:
    execution = rig.run(upload)

    assert execution.status == "SUCCEEDED"
    assert execution.output == {"jobId": upload.job_id, "status": "COMPLETED"}
    asset, job = rig.asset(upload), rig.job(upload)
    assert asset["persistedAt"] <= asset["publishedAt"] <= job["finishedAt"]
    assert asset == {
        "fileKey": upload.file_key,
        "owner": "direct",
        "shard": upload.job_id[0],
        "sequencer": upload.padded_sequencer,
        "run": "",
        "versionId": "v1",
        "bucket": "photographs",
        "jobId": upload.job_id,
        **{name: ACCEPTED[name] for name in ("mediaType", "bytes", "measures", "sha256", "traceId")},
        "renditions": RENDITIONS,
        "metadata": {**METADATA, "exif": as_stored(METADATA["exif"])},
        "eventTime": "2026-11-20T10:00:00Z",
        "executionName": execution.name,
        "persistedAt": asset["persistedAt"],
        "publishedAt": asset["publishedAt"],
    }
    assert rig.notifications(upload) == [
        {
            "type": "AssetReady",
            "jobId": upload.job_id,
            "bucket": "photographs",
            "fileKey": upload.file_key,
            "versionId": "v1",
            "sequencer": upload.padded_sequencer,
            "run": "",
            **{name: ACCEPTED[name] for name in ("mediaType", "measures", "sha256")},
            "renditions": RENDITIONS,
            "attributes": {"outcome": "COMPLETED", "mediaType": "image/jpeg"},
        }
    ]
    assert rig.dead_letters(upload) == []


def test_job_item_has_the_complete_history(rig: Rig, upload: Upload) -> None:
    execution = rig.run(upload, receive_count=2)

    job = rig.job(upload)
    history = job.pop("stages")
    times = [entry["at"] for entry in history]
    assert [entry["stage"] for entry in history] == [
        "RECEIVED",
        "VALIDATED",
        "TRANSFORMED",
        "PERSISTED",
        "PUBLISHED",
        "COMPLETED",
    ]
    assert {entry["attempt"] for entry in history} == {2}
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert max(job["createdAt"], job["startedAt"]) < min(job["updatedAt"], job["finishedAt"])
    assert abs(int(job.pop("expiresAt")) - time.time() - JOB_RETENTION_DAYS * SECONDS_PER_DAY) < 60
    for name in ("createdAt", "startedAt", "updatedAt", "finishedAt"):
        job.pop(name)
    assert job == {
        "jobId": upload.job_id,
        "fileKey": upload.file_key,
        "versionId": "v1",
        "sequencer": upload.padded_sequencer,
        "run": "",
        "bucket": "photographs",
        "status": "COMPLETED",
        "stage": "COMPLETED",
        "attempt": 2,
        "mediaType": "image/jpeg",
        "traceId": ACCEPTED["traceId"],
        "executionName": execution.name,
    }


def test_functions_get_the_version_id_and_transforms_the_validation_result(rig: Rig, upload: Upload) -> None:
    execution = rig.run(upload, receive_count=3)

    file = {
        "jobId": upload.job_id,
        "bucket": "photographs",
        "fileKey": upload.file_key,
        "versionId": "v1",
        "sequencer": upload.padded_sequencer,
        "run": "",
        "bytes": 1234,
        "etag": "b1946ac92492d2347c6235b4d2611184",
        "eventTime": "2026-11-20T10:00:00Z",
        "executionName": execution.name,
        "attempt": 3,
    }
    media = {name: ACCEPTED[name] for name in ("mediaType", "measures", "sample", "sha256")}
    assert rig.calls(upload, "validate") == [file]
    assert rig.calls(upload, "thumbnail") == rig.calls(upload, "metadata") == [{"file": file, "media": media}]


def test_lists_with_one_or_no_item_remain_lists(rig: Rig) -> None:
    one, none = Upload(file_key="uploads/one rendition.jpg"), Upload(file_key="uploads/no rendition.jpg")
    rig.set_responses(one, "thumbnail", {"answer": {"renditions": RENDITIONS[:1]}})
    rig.set_responses(none, "thumbnail", {"answer": {"renditions": []}})
    rig.set_responses(none, "metadata", {"answer": {"metadata": {}}})

    assert rig.run(one).status == rig.run(none).status == "SUCCEEDED"

    assert rig.asset(one)["renditions"] == RENDITIONS[:1]
    assert rig.asset(none)["renditions"] == []
    assert rig.asset(none)["metadata"] == {}
    assert [message["renditions"] for message in rig.notifications(one)] == [RENDITIONS[:1]]


def test_each_media_type_has_its_own_transforms_and_measures(rig: Rig) -> None:
    table = Upload(file_key="uploads/prices.csv")
    measures = {"rows": 12, "columns": ["day", "price"], "header": True}
    verdict = {**ACCEPTED, "mediaType": "text/csv", "measures": measures}
    del verdict["sample"]  # of which tables have none
    rig.set_responses(table, "validate", {"answer_alone": verdict})

    assert rig.run(table).status == "SUCCEEDED"

    assert rig.calls(table, "thumbnail") == []
    [call] = rig.calls(table, "metadata")
    assert call["media"] == {"mediaType": "text/csv", "measures": measures, "sha256": ACCEPTED["sha256"]}
    assert rig.asset(table)["measures"] == measures
    [message] = rig.notifications(table)
    assert message["measures"] == measures
    assert message["attributes"]["mediaType"] == "text/csv"


def test_file_of_a_media_type_without_transforms_fails(rig: Rig) -> None:
    sound = Upload(file_key="uploads/birds.ogg")
    rig.set_responses(sound, "validate", {"answer": {**ACCEPTED, "mediaType": "audio/ogg", "measures": {"seconds": 4}}})

    assert rig.run(sound).status == "FAILED"

    assert rig.asset(sound) == {}


def test_results_of_several_transforms_are_in_one_record(rig: Rig, upload: Upload) -> None:
    badge = {"name": "badge", "key": "processed/c", "contentType": "image/png", "width": 9, "height": 9, "bytes": 5}
    rig.set_responses(upload, "thumbnail", {"answer": {"metadata": {"sharpness": 0.25}}})
    rig.set_responses(upload, "metadata", {"answer": {"renditions": [badge]}})

    rig.run(upload)

    assert rig.asset(upload)["renditions"] == [*RENDITIONS, badge]
    assert rig.asset(upload)["metadata"].keys() == {*METADATA, "sharpness"}


def test_what_transforms_record_is_at_the_top_level_of_the_record(rig: Rig, upload: Upload) -> None:
    columns = [{"name": "price", "quantiles": [0.5, 2], "empty": []}]
    rig.set_responses(upload, "thumbnail", {"answer": {"record": {"rowCount": 5, "columns": columns}}})
    rig.set_responses(upload, "metadata", {"answer": {"record": {"status": "PROCESSED"}}})

    rig.run(upload)

    asset = rig.asset(upload)
    assert recorded(asset) == {"rowCount": 5, "columns": as_stored(columns), "status": "PROCESSED"}
    assert (asset["fileKey"], asset["renditions"]) == (upload.file_key, RENDITIONS)


def test_the_pipeline_writes_no_attribute_that_transforms_may_record(rig: Rig, upload: Upload) -> None:
    rig.run(upload)

    assert recorded(rig.asset(upload)) == {}


def test_the_sample_is_in_no_record_and_no_notification(rig: Rig) -> None:
    kept, rejected, failed = (Upload(file_key=f"uploads/{name} with a sample.jpg") for name in ("a", "b", "c"))
    explanation = {name: REJECTED[name] for name in ("reasonCode", "reason", "hint")}
    rig.set_responses(rejected, "metadata", {"answer": {"metadata": {}, "rejection": explanation}})
    rig.set_responses(failed, "metadata", {"answer": {"renditions": "not a list"}})

    assert [rig.run(each).status for each in (kept, rejected, failed)] == ["SUCCEEDED", "SUCCEEDED", "FAILED"]

    for upload in (kept, rejected, failed):
        assert rig.calls(upload, "metadata")[0]["media"]["sample"] == ACCEPTED["sample"]
        stored = [rig.asset(upload), rig.job(upload), rig.notifications(upload), rig.dead_letters(upload)]
        assert ACCEPTED["sample"] not in str(stored)


def test_rejected_file_is_recorded_sent_to_the_dlq_published_and_finished(rig: Rig, upload: Upload) -> None:
    rig.set_responses(upload, "validate", {"answer": REJECTED})

    execution = rig.run(upload)

    assert execution.status == "SUCCEEDED"
    assert execution.output == {"jobId": upload.job_id, "status": "REJECTED"}
    job = rig.job(upload)
    explanation = {name: REJECTED[name] for name in ("reasonCode", "reason", "hint", "mediaType")}
    assert job.items() >= {"status": "REJECTED", "stage": "REJECTED", **explanation}.items()
    assert rig.stages(upload) == [(1, "RECEIVED"), (1, "VALIDATED"), (1, "REJECTED")]
    [kept] = rig.dead_letters(upload)
    assert kept["rejectedAt"] <= job["finishedAt"]
    assert kept == {
        "file": rig.calls(upload, "validate")[0],
        **explanation,
        "sha256": REJECTED["sha256"],
        "rejectedAt": kept["rejectedAt"],
        "event": upload.event,
    }
    assert rig.notifications(upload) == [
        {
            "type": "AssetRejected",
            "jobId": upload.job_id,
            "bucket": "photographs",
            "fileKey": upload.file_key,
            "versionId": "v1",
            "sequencer": upload.padded_sequencer,
            "run": "",
            **explanation,
            "attributes": {"outcome": "REJECTED", "mediaType": "image/png"},
        }
    ]
    assert rig.asset(upload) == {}
    assert rig.calls(upload, "thumbnail") == []


def test_a_file_that_a_transform_rejects_ends_like_one_that_validate_rejects(rig: Rig, upload: Upload) -> None:
    explanation = {name: REJECTED[name] for name in ("reasonCode", "reason", "hint")}
    rig.set_responses(upload, "metadata", {"answer": {"metadata": {}, "rejection": explanation}})

    execution = rig.run(upload)

    assert execution.output == {"jobId": upload.job_id, "status": "REJECTED"}
    assert rig.job(upload).items() >= {"status": "REJECTED", **explanation, "mediaType": "image/jpeg"}.items()
    assert rig.stages(upload) == [(1, "RECEIVED"), (1, "VALIDATED"), (1, "REJECTED")]
    [kept] = rig.dead_letters(upload)
    assert kept.items() >= {**explanation, "sha256": ACCEPTED["sha256"], "event": upload.event}.items()
    [notification] = rig.notifications(upload)
    assert notification.items() >= {"type": "AssetRejected", **explanation}.items()
    assert rig.asset(upload) == {}
