"""The API with everything behind it: a caller uploads, follows, lists and deletes; an operator sees everybody's."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from testing.callers import Answer, Callers, send
from testing.pictures import photograph
from testing.waiting import eventually

NAMES = ["photo.jpg", "Été à la mer (2).JPG"]
PART_BYTES = 5 * 1024 * 1024  # the least that S3 takes for any part but the last


@pytest.fixture
def token(callers: Callers) -> str:
    return callers.token()


def uploaded(callers: Callers, token: str, name: str = "photo.jpg") -> dict[str, Any]:
    """Ask for an upload, put a photograph there, and return the finished job."""
    picture = photograph()
    asked = callers.call("POST", "/uploads", token, {"filename": name, "size": len(picture)})
    assert asked.status == 201, asked.body
    upload = asked.json
    assert asked.headers["location"] == f"jobs/{upload['jobId']}"
    put = send(upload["method"], upload["uploadUrl"], picture, upload["headers"])
    assert put.status == 200, put.body
    return followed(callers, token, upload["jobId"])


def followed(callers: Callers, token: str, job_id: str) -> dict[str, Any]:
    """Poll a job until it has ended."""

    def finished() -> dict[str, Any] | None:
        job = callers.call("GET", f"/jobs/{job_id}", token).json
        return job if "finishedAt" in job else None

    return eventually(finished, f"the end of job {job_id}")


def asset(callers: Callers, token: str, file_key: str, method: str = "GET") -> Answer:
    return callers.call(method, f"/assets/{quote(file_key)}", token)


@pytest.mark.parametrize("name", NAMES)
def test_an_upload_becomes_an_asset_whose_every_address_works(callers: Callers, token: str, name: str) -> None:
    job = uploaded(callers, token, name)
    assert job["fileName"] == name
    assert job["status"] == "COMPLETED"
    found = asset(callers, token, job["fileKey"]).json
    urls = [job["downloadUrl"], found["originalUrl"], *(each["url"] for each in found["renditions"])]
    assert {send("GET", url).status for url in urls} == {200}
    assert found["versions"][0]["jobId"] == job["jobId"]


def test_a_job_that_has_not_changed_is_not_sent_again(callers: Callers, token: str) -> None:
    path = f"/jobs/{uploaded(callers, token)['jobId']}"
    tag = callers.call("GET", path, token).headers["etag"]

    again = callers.call("GET", path, token, If_None_Match=tag)

    assert (again.status, again.body) == (304, b"")


def test_lists_hold_a_callers_own_and_nothing_of_others(callers: Callers, token: str) -> None:
    job = uploaded(callers, token)
    stranger = callers.somebody_else()
    for path, name, key in (("/jobs", "jobs", "jobId"), ("/assets", "assets", "fileKey")):
        assert job[key] in [each[key] for each in callers.call("GET", path, token).json[name]]
        assert callers.call("GET", path, stranger).json[name] == []
    assert callers.call("GET", f"/jobs/{job['jobId']}", stranger).status == 404
    assert asset(callers, stranger, job["fileKey"]).status == 404
    assert asset(callers, stranger, job["fileKey"], "DELETE").status == 404


def test_an_operator_sees_the_files_of_everybody(callers: Callers, token: str) -> None:
    job, operator = uploaded(callers, token), callers.operator()
    jobs = callers.call("GET", "/jobs?status=COMPLETED&limit=100", operator).json["jobs"]
    assert job["jobId"] in [each["jobId"] for each in jobs]
    listed = callers.call("GET", "/assets?limit=100", operator).json["assets"]
    assert job["fileKey"] in [each["fileKey"] for each in listed]
    assert asset(callers, operator, job["fileKey"]).status == 200


@pytest.mark.parametrize("name", NAMES)
def test_a_deleted_asset_is_gone(callers: Callers, token: str, name: str) -> None:
    job = uploaded(callers, token, name)
    assert asset(callers, token, job["fileKey"], "DELETE").status == 202
    eventually(lambda: asset(callers, token, job["fileKey"]).status == 404, "the deletion")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_uploaded_in_parts_which_can_be_listed(callers: Callers, token: str, name: str) -> None:
    upload = callers.call("POST", "/uploads", token, {"filename": name, "multipart": True}).json
    started = send("POST", upload["uploadUrl"], b"", upload["headers"])
    upload_id = started.body.decode().split("<UploadId>")[1].split("<")[0]

    def step(method: str, body: bytes | None = None, **more: object) -> Answer:
        asked = {"method": method, "uploadId": upload_id, **more}
        signed = callers.call("POST", f"/uploads/{upload['jobId']}/sign", token, asked).json
        return send(method, signed["url"], body, signed["headers"])

    picture = photograph()
    parts = [picture[:PART_BYTES], picture[PART_BYTES:]] if len(picture) > PART_BYTES else [picture]
    tags = [step("PUT", part, partNumber=number).headers["etag"] for number, part in enumerate(parts, 1)]
    assert all(tag in step("GET").body.decode().replace("&quot;", '"') for tag in tags)
    listed = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{tag}</ETag></Part>" for n, tag in enumerate(tags, 1))
    done = step("POST", f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode())
    assert done.status == 200, done.body
    assert followed(callers, token, upload["jobId"])["status"] == "COMPLETED"


@pytest.mark.parametrize("name", NAMES)
def test_an_upload_in_parts_can_be_given_up(callers: Callers, token: str, name: str) -> None:
    upload = callers.call("POST", "/uploads", token, {"filename": name, "multipart": True}).json
    started = send("POST", upload["uploadUrl"], b"", upload["headers"])
    upload_id = started.body.decode().split("<UploadId>")[1].split("<")[0]
    asked = {"method": "DELETE", "uploadId": upload_id}
    signed = callers.call("POST", f"/uploads/{upload['jobId']}/sign", token, asked).json
    assert send("DELETE", signed["url"], None, signed["headers"]).status == 204
    s3, bucket = callers.stack.cloud.client("s3"), callers.stack.outputs["ingestBucket"]
    assert upload_id not in [each["UploadId"] for each in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]
