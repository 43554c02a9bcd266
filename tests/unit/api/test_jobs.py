"""A job as its caller follows it, from the request for an upload to its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from contract.api import EXPIRED
from contract.jobs import JobStatus, version_job_id
from functions.api.models import Status
from functions.shared.times import as_text
from testing.callers import send
from tests.unit.api.conftest import Answer, Api
from tests.unit.api.rows import asset_row, job_row, put_file

JOB = "0123456789abcdef" * 2


def job(api: Api, row: dict[str, Any], **call: Any) -> Answer:
    api.put_row("jobs", row)
    return api.call("GET", f"/jobs/{row['jobId']}", **call)


def waiting(expired_seconds: float) -> dict[str, Any]:
    expires = as_text(datetime.now(UTC) - timedelta(seconds=expired_seconds))
    workflows = ("stage", "stages", "attempt", "versionId", "finishedAt", "mediaType", "traceId")
    return job_row(JOB, status="PENDING", uploadExpiresAt=expires, **dict.fromkeys(workflows))


def test_every_status_of_a_row_can_be_reported() -> None:
    assert get_args(Status) == (*JobStatus, EXPIRED)


def test_a_completed_job_hands_out_the_watermarked_picture(api: Api) -> None:
    put_file(api, JOB)
    answer = api.call("GET", f"/jobs/{JOB}")
    assert answer.json["status"] == "COMPLETED"
    assert send("GET", answer.json["downloadUrl"]).body == b"watermark"
    assert [each["width"] for each in answer.json["renditions"]] == [160, 160, 640, 640, 4000]
    for each in answer.json["renditions"]:
        assert send("GET", each["url"]).body == each["name"].encode()
    assert "retry-after" not in answer.headers


def test_the_classic_clients_fields_are_there_at_every_step(api: Api) -> None:
    for row in (waiting(0), job_row(JOB, status="PROCESSING", finishedAt=None), job_row(JOB)):
        assert {"jobId", "status", "createdAt", "updatedAt"} <= job(api, row).json.keys()
    failed = job(api, job_row(JOB, status="FAILED", finishedAt=None, reasonCode="X", reason="r", hint="h"))
    assert failed.json["errorMessage"]


def test_the_largest_rendition_is_handed_out_where_nothing_is_watermarked(api: Api) -> None:
    renditions = [each for each in asset_row(f"uploads/{JOB}/cat.jpg")["renditions"] if each["name"] != "watermark"]
    put_file(api, JOB, asset={"renditions": renditions})
    assert "/w640-" in api.call("GET", f"/jobs/{JOB}").json["downloadUrl"]


@pytest.mark.parametrize(
    "asset",
    [{"versionId": "v2"}, {"deletedAt": "2026-11-27T21:15:12.123Z"}],
    ids=["a newer version", "a deletion"],
)
def test_a_completed_job_whose_renditions_are_not_the_files_any_more_has_none(api: Api, asset: dict[str, Any]) -> None:
    put_file(api, JOB, asset=asset)
    answer = api.call("GET", f"/jobs/{JOB}")
    assert answer.json["status"] == "COMPLETED"
    assert "downloadUrl" not in answer.json
    assert "renditions" not in answer.json


def test_the_record_of_a_deletion_has_nothing_but_the_deletion(api: Api) -> None:
    api.put_row("jobs", job_row(JOB, fileName=None, deletedAt="2026-11-27T22:00:00.000Z"))
    tombstone = {"fileKey": f"uploads/{JOB}/cat.jpg", "sequencer": "1" * 32, "run": "~deleted", "deletedAt": "x"}
    api.put_row("assets", tombstone)
    answer = api.call("GET", f"/jobs/{JOB}")
    assert (answer.status, answer.json["deletedAt"]) == (200, "2026-11-27T22:00:00.000Z")


@pytest.mark.parametrize(
    ("attempt", "will_retry", "retry_after"), [(1, True, "30"), (2, True, "30"), (3, False, None), (4, False, None)]
)
def test_a_failed_job_says_whether_it_is_tried_again_and_nothing_internal(
    api: Api, attempt: int, will_retry: bool, retry_after: str | None
) -> None:
    cause = "thumbnail: Could not read s3://secret-bucket/key: AccessDenied"
    failure = {"reasonCode": "AccessError", "reason": cause, "hint": "Search the logs."}
    row = job_row(JOB, status="FAILED", stage="VALIDATED", attempt=attempt, finishedAt=None, **failure)
    answer = job(api, row)
    assert answer.json["willRetry"] is will_retry
    assert answer.headers.get("retry-after") == retry_after
    assert (answer.json["errorCode"], answer.json["stage"]) == ("AccessError", "VALIDATED")
    assert "secret-bucket" not in answer.text
    operators = api.call("GET", f"/jobs/{JOB}", sub="eve", claims={"scope": "files:read files:operate"})
    assert operators.json["errorMessage"] == cause


def test_a_rejected_job_explains_itself_to_its_uploader(api: Api) -> None:
    rejection = {"reasonCode": "EMPTY", "reason": "The file is empty.", "hint": "Upload the file again."}
    answer = job(api, job_row(JOB, status="REJECTED", **rejection))
    assert answer.json["errorCode"] == "EMPTY"
    assert answer.json["errorMessage"] == "The file is empty."
    assert answer.json["hint"] == "Upload the file again."
    assert "willRetry" not in answer.json
    assert "retry-after" not in answer.headers


def test_a_superseded_job_is_over(api: Api) -> None:
    answer = job(api, job_row(JOB, status="SUPERSEDED"))
    assert answer.json["status"] == "SUPERSEDED"
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(("expired_seconds", "status"), [(-300, "PENDING"), (3_500, "PENDING"), (3_700, "EXPIRED")])
def test_a_job_expires_an_hour_after_its_upload_could_begin(api: Api, expired_seconds: int, status: str) -> None:
    answer = job(api, waiting(expired_seconds))
    assert answer.json["status"] == status
    assert ("errorCode" in answer.json) == (status == "EXPIRED")
    assert ("retry-after" in answer.headers) == (status == "PENDING")


def test_a_file_that_came_late_is_not_expired(api: Api) -> None:
    answer = job(api, {**waiting(10_000), "versionId": "v1", "sequencer": "1", "run": "", "attempt": 1})
    assert answer.json["status"] == "PENDING"


def test_an_unchanged_job_is_not_sent_again_and_a_changed_one_is(api: Api) -> None:
    first = job(api, job_row(JOB, status="PROCESSING", stage="RECEIVED", finishedAt=None))
    tag = {"If-None-Match": f'"other", {first.headers["etag"]}'}
    again = api.call("GET", f"/jobs/{JOB}", headers=tag)
    assert (again.status, again.text) == (304, "")
    assert (again.headers["etag"], again.headers["retry-after"]) == (first.headers["etag"], "1")
    changed = job(api, job_row(JOB, status="PROCESSING", stage="VALIDATED", finishedAt=None), headers=tag)
    assert (changed.status, changed.json["stage"]) == (200, "VALIDATED")


def test_the_tag_of_a_completed_job_is_that_of_its_state_and_not_of_its_signatures(api: Api) -> None:
    put_file(api, JOB)
    tag = api.call("GET", f"/jobs/{JOB}").headers["etag"]
    assert api.call("GET", f"/jobs/{JOB}", headers={"If-None-Match": tag}).status == 304


def test_a_tag_is_not_confirmed_when_its_addresses_are_about_to_expire(api: Api) -> None:
    put_file(api, JOB)
    tag = api.call("GET", f"/jobs/{JOB}").headers["etag"]
    later = datetime.now(UTC) + timedelta(minutes=31)
    api.monkeypatch.setattr("functions.api.jobs.now", lambda: later)
    assert api.call("GET", f"/jobs/{JOB}", headers={"If-None-Match": tag}).status == 200


def test_another_callers_job_is_as_if_it_were_not_there(api: Api) -> None:
    api.put_row("jobs", job_row(JOB))
    foreign = api.call("GET", f"/jobs/{JOB}", sub="bob")
    missing = api.call("GET", f"/jobs/{JOB[::-1]}", sub="bob")
    assert (foreign.status, foreign.code) == (missing.status, missing.code) == (404, "JOB_NOT_FOUND")
    assert foreign.text.replace(JOB, "") == missing.text.replace(JOB[::-1], "")


def test_the_job_of_a_file_that_went_straight_into_the_bucket_is_for_operators(api: Api) -> None:
    job_id = version_job_id("ingest", "uploads/holiday/cat.jpg", "v1")
    api.put_row("jobs", job_row(job_id, fileKey="uploads/holiday/cat.jpg", owner=None, fileName=None))
    assert api.call("GET", f"/jobs/{job_id}").status == 404
    answer = api.call("GET", f"/jobs/{job_id}", claims={"cognito:groups": "[operators]"})
    assert (answer.status, answer.json["fileKey"]) == (200, "uploads/holiday/cat.jpg")


def test_without_authentication_everybody_sees_everything(api: Api) -> None:
    api.configure(auth="none")
    api.put_row("jobs", job_row(JOB, owner=None))
    assert api.call("GET", f"/jobs/{JOB}").status == 200


def test_a_callers_quota_is_no_job(api: Api) -> None:
    api.call("POST", "/uploads", {"filename": "cat.jpg"})
    today = f"quota%2Falice%2F{datetime.now(UTC):%Y-%m-%d}"
    assert api.call("GET", f"/jobs/{today}").status == 404
