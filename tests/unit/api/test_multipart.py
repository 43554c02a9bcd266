"""Files in parts: begun, signed part by part, listed, completed once or given up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from functions.api.parts import PART_BYTES, parts_of
from testing.callers import send
from tests.unit.api.conftest import Answer, Api

SIZE = PART_BYTES + 1


def begun(api: Api, **request: Any) -> tuple[dict[str, Any], str]:
    """An upload in parts, and S3's id of it."""
    upload = api.call("POST", "/uploads", {"filename": "film.jpg", "multipart": True, **request}).json
    assert upload["method"] == "POST"
    started = send("POST", upload["uploadUrl"], b"", upload["headers"])
    assert started.status == 200
    return upload, re.findall("<UploadId>(.*)</UploadId>", started.body.decode())[0]


def sign(api: Api, upload: dict[str, Any], **step: Any) -> Answer:
    return api.call("POST", f"/uploads/{upload['jobId']}/sign", step)


def run(api: Api, upload: dict[str, Any], body: bytes = b"", **step: Any) -> tuple[int, str, Mapping[str, str]]:
    signed = sign(api, upload, **step)
    assert signed.status == 200, signed
    assert signed.json["key"] == upload["fileKey"]
    answer = send(signed.json["method"], signed.json["url"], body or None, signed.json["headers"])
    return answer.status, answer.body.decode(), answer.headers


def complete(api: Api, upload: dict[str, Any], upload_id: str, tags: list[str]) -> int:
    parts = "".join(f"<Part><PartNumber>{i}</PartNumber><ETag>{tag}</ETag></Part>" for i, tag in enumerate(tags, 1))
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    return run(api, upload, body, method="POST", uploadId=upload_id)[0]


def test_parts_of_their_exact_size_become_the_file_once(api: Api) -> None:
    upload, upload_id = begun(api, size=SIZE)
    assert upload["multipart"] == {"partSize": PART_BYTES, "parts": 2}
    assert run(api, upload, b"short", method="PUT", uploadId=upload_id, partNumber=1)[0] == 403
    tags = [
        run(api, upload, body, method="PUT", uploadId=upload_id, partNumber=number)[2]["ETag"]
        for number, body in ((1, b"a" * PART_BYTES), (2, b"b"))
    ]
    status, listed, _ = run(api, upload, method="GET", uploadId=upload_id)
    assert (status, re.findall("<PartNumber>(.)</PartNumber>", listed)) == (200, ["1", "2"])
    assert complete(api, upload, upload_id, tags) == 200
    stored = api.cloud.client("s3").head_object(Bucket="ingest", Key=upload["fileKey"])
    assert (stored["ContentLength"], stored["ContentType"]) == (SIZE, "image/jpeg")


def test_a_focal_point_is_stored_with_a_file_in_parts(api: Api) -> None:
    upload, upload_id = begun(api, focalPoint="0.3,0.7")
    tag = run(api, upload, b"a", method="PUT", uploadId=upload_id, partNumber=1)[2]["ETag"]
    assert complete(api, upload, upload_id, [tag]) == 200
    stored = api.cloud.client("s3").head_object(Bucket="ingest", Key=upload["fileKey"])
    assert stored["Metadata"] == {"focal-point": "0.3,0.7"}


def test_a_second_upload_in_parts_does_not_replace_the_file(api: Api) -> None:
    upload, first = begun(api)
    second = re.findall("<UploadId>(.*)</UploadId>", run(api, upload, method="POST")[1])[0]
    tags = [
        run(api, upload, b"x", method="PUT", uploadId=upload_id, partNumber=1)[2]["ETag"]
        for upload_id in (first, second)
    ]
    assert complete(api, upload, first, tags[:1]) == 200
    unconditional = sign(api, upload, method="POST", uploadId=second).json["url"]
    assert send("POST", unconditional, b"").status == 403
    assert complete(api, upload, second, tags[1:]) == 412


def test_an_upload_that_is_given_up_leaves_nothing(api: Api) -> None:
    upload, upload_id = begun(api)
    assert run(api, upload, method="DELETE", uploadId=upload_id)[0] == 204
    assert run(api, upload, b"x", method="PUT", uploadId=upload_id, partNumber=1)[0] == 404


def test_large_files_are_in_parts_by_themselves_and_small_ones_are_not(api: Api) -> None:
    limit = 64 * 2**20
    small, large = (
        api.call("POST", "/uploads", {"filename": "a.jpg", "size": size}).json for size in (limit, limit + 1)
    )
    assert "multipart" not in small
    assert large["multipart"] == {"partSize": PART_BYTES, "parts": 9}


def test_no_file_has_more_parts_than_s3_takes() -> None:
    cut = parts_of(5 * 2**40)
    assert cut.parts is not None
    assert cut.parts <= 10_000
    assert cut.part_size * (cut.parts - 1) < 5 * 2**40 <= cut.part_size * cut.parts


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"method": "PUT", "uploadId": "u", "partNumber": 3}, "partNumber"),
        ({"method": "PUT", "uploadId": "u"}, "partNumber"),
        ({"method": "PUT", "uploadId": "u", "partNumber": 0}, "partNumber"),
        ({"method": "PUT"}, "method"),
        ({"method": "GET"}, "uploadId"),
        ({"method": "DELETE"}, "uploadId"),
        ({"method": "PATCH"}, "method"),
        ({"method": "PUT", "uploadId": "a b", "partNumber": 1}, "uploadId"),
    ],
)
def test_a_request_that_is_none_of_the_uploads_names_its_field(api: Api, step: dict[str, Any], field: str) -> None:
    upload = api.call("POST", "/uploads", {"filename": "a.jpg", "multipart": True, "size": SIZE}).json
    answer = sign(api, upload, **step)
    assert (answer.status, answer.code) == (422, "INVALID_REQUEST")
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_nothing_is_signed_once_the_file_has_arrived(api: Api) -> None:
    upload, upload_id = begun(api)
    api.change_job(upload["jobId"], status="PROCESSING", versionId="v1")
    answer = sign(api, upload, method="PUT", uploadId=upload_id, partNumber=1)
    assert (answer.status, answer.code) == (409, "UPLOAD_ENDED")


def test_another_callers_upload_cannot_be_signed_for(api: Api) -> None:
    upload, upload_id = begun(api)
    step = {"method": "DELETE", "uploadId": upload_id}
    answer = api.call("POST", f"/uploads/{upload['jobId']}/sign", step, sub="bob")
    assert (answer.status, answer.code) == (404, "JOB_NOT_FOUND")


def test_a_job_waits_as_long_as_its_parts_are_being_signed(api: Api) -> None:
    upload, upload_id = begun(api)
    api.change_job(upload["jobId"], uploadExpiresAt="2020-01-01T00:00:00.000Z")
    assert api.call("GET", f"/jobs/{upload['jobId']}").json["status"] == "EXPIRED"
    sign(api, upload, method="PUT", uploadId=upload_id, partNumber=1)
    assert api.call("GET", f"/jobs/{upload['jobId']}").json["status"] == "PENDING"
