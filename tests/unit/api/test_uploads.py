"""From a request for an upload to a stored file, through the handler and the embedded cloud."""

from __future__ import annotations

import base64
import hashlib
import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.api import presigning
from functions.api.models import Upload, UploadRequest
from functions.api.uploads import begin, planned
from testing.callers import send
from tests.unit.api.conftest import Api

BODY = b"the bytes of a picture"
SHA256 = hashlib.sha256(BODY)


def ask(api: Api, **request: Any) -> dict[str, Any]:
    answer = api.call("POST", "/uploads", {"filename": "cat.jpg", **request})
    assert answer.status == 201, answer
    return answer.json


def put(upload: dict[str, Any], body: bytes = BODY, *, content_type: str = "") -> int:
    declared = {"Content-Type": content_type} if content_type else {}
    return send("PUT", upload["uploadUrl"], body, {**upload["headers"], **declared}).status


def stored(api: Api, upload: dict[str, Any]) -> bytes:
    return api.cloud.client("s3").get_object(Bucket="ingest", Key=upload["fileKey"])["Body"].read()


def test_the_classic_client_uploads_with_a_content_type_alone(api: Api) -> None:
    answer = api.call("POST", "/uploads", {"filename": "test-image.jpg"})
    upload = answer.json
    assert (answer.status, answer.headers["location"]) == (201, f"jobs/{upload['jobId']}")
    assert upload["method"] == "PUT"
    assert upload["fileKey"] == f"uploads/{upload['jobId']}/test-image.jpg"
    assert upload["expiresIn"] == 300
    assert send("PUT", upload["uploadUrl"], BODY, {"Content-Type": "image/jpeg"}).status == 200
    assert stored(api, upload) == BODY
    job = api.call("GET", f"/jobs/{upload['jobId']}")
    assert (job.status, job.json["status"], job.json["fileName"]) == (200, "PENDING", "test-image.jpg")


def test_a_signature_with_a_size_fixes_length_type_and_key_and_writes_once(api: Api) -> None:
    upload = ask(api, size=len(BODY))
    assert put(upload, BODY + b"!") == 403
    assert put(upload, content_type="image/png") == 403
    assert send("PUT", upload["uploadUrl"], BODY, {"Content-Type": "image/jpeg"}).status == 403, "without If-None-Match"
    another_key = {**upload, "uploadUrl": upload["uploadUrl"].replace("cat.jpg", "dog.jpg")}
    assert put(another_key) == 403
    assert put(upload) == 200
    assert put(upload) == 412
    assert stored(api, upload) == BODY


@pytest.mark.parametrize("digest", [SHA256.hexdigest(), SHA256.hexdigest().upper(), base64.b64encode(SHA256.digest())])
def test_other_bytes_than_the_declared_ones_are_not_stored(api: Api, digest: str | bytes) -> None:
    text = digest.decode() if isinstance(digest, bytes) else digest
    upload = ask(api, size=len(BODY), sha256=text)
    assert put(upload, BODY[::-1]) == 400
    assert put(upload) == 200


def test_a_form_takes_any_accepted_size_and_no_larger_one(api: Api) -> None:
    api.configure(max_bytes=100)
    upload = ask(api, method="POST")
    assert upload["method"] == "POST"
    assert _post(upload, b"x" * 101) == 400
    assert _post(upload, b"x" * 100) == 204
    assert stored(api, upload) == b"x" * 100


def test_a_focal_point_is_stored_with_the_file_and_can_be_no_other(api: Api) -> None:
    upload = ask(api, focalPoint="0.3,0.7")
    other = {**upload, "headers": {**upload["headers"], "x-amz-meta-focal-point": "0.1,0.1"}}
    assert put(other, content_type="image/jpeg") == 403
    assert put(upload, content_type="image/jpeg") == 200
    form = ask(api, focalPoint="0.3,0.7", method="POST")
    assert _post(form, BODY) == 204
    for each in (upload, form):
        head = api.cloud.client("s3").head_object(Bucket="ingest", Key=each["fileKey"])
        assert head["Metadata"] == {"focal-point": "0.3,0.7"}


def test_a_focal_point_outside_of_the_image_is_refused(api: Api) -> None:
    answer = api.call("POST", "/uploads", {"filename": "cat.jpg", "focalPoint": "0.3,1.7"})
    assert (answer.status, [each["field"] for each in answer.json["errors"]]) == (422, ["focalPoint"])


def test_file_and_type_come_from_the_name_that_is_kept_as_it_was(api: Api) -> None:
    upload = ask(api, filename="Ferien/Ærø på 100 %.PNG")
    assert upload["fileKey"].endswith("/r-pa-100.PNG")
    assert upload["headers"] == {"Content-Type": "image/png"}
    assert api.job_row(upload["jobId"])["fileName"] == "Ferien/Ærø på 100 %.PNG"


def test_a_job_that_waits_says_all_that_the_workflow_and_the_webhooks_need(api: Api) -> None:
    upload = ask(api, size=len(BODY), sha256=SHA256.hexdigest(), callbackUrl="https://hooks.example.com/done?a=1")
    row = api.job_row(upload["jobId"])
    assert row["owner"] == "alice"
    assert row["status"] == "PENDING"
    assert row["callbackUrl"] == "https://hooks.example.com/done?a=1"
    assert (row["bytes"], row["sha256"], row["contentType"]) == (str(len(BODY)), SHA256.hexdigest(), "image/jpeg")
    assert "versionId" not in row
    kept_days = (int(row["expiresAt"]) - datetime.now(UTC).timestamp()) / 86_400
    assert 6.9 < kept_days <= 7


@pytest.mark.parametrize(
    ("request_body", "status", "code"),
    [
        ({"size": 200 * 2**20 + 1}, 413, "TOO_LARGE"),
        ({"contentType": "text/html"}, 415, "UNSUPPORTED_TYPE"),
        ({"contentType": "image/gif"}, 415, "UNSUPPORTED_TYPE"),
        ({"callbackUrl": "http://hooks.example.com/"}, 422, "CALLBACK_NOT_ALLOWED"),
        ({"callbackUrl": "https://hooks.example.com.evil.test/"}, 422, "CALLBACK_NOT_ALLOWED"),
        ({"callbackUrl": "https://user@hooks.example.com/"}, 422, "CALLBACK_NOT_ALLOWED"),
        ({"callbackUrl": "https://hooks.example.com:8443/"}, 422, "CALLBACK_NOT_ALLOWED"),
        ({"callbackUrl": "https://[::1/"}, 422, "CALLBACK_NOT_ALLOWED"),
        ({"callbackUrl": "https://127.0.0.1/"}, 422, "CALLBACK_NOT_ALLOWED"),
    ],
)
def test_what_the_stack_does_not_accept_gets_no_url(
    api: Api, request_body: dict[str, Any], status: int, code: str
) -> None:
    answer = api.call("POST", "/uploads", {"filename": "cat.jpg", **request_body})
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("content_type", ["image/jpeg", "IMAGE/JPG", "application/octet-stream"])
def test_a_type_may_be_declared_by_any_of_its_names_or_not_at_all(api: Api, content_type: str) -> None:
    assert ask(api, contentType=content_type)["headers"]["Content-Type"] == content_type.lower()


def test_parallel_identical_requests_with_one_key_are_one_job(api: Api) -> None:
    """Of what runs in several environments at once; one environment answers one request at a time."""
    api.configure(daily_uploads_per_caller=20)
    rows = [planned(UploadRequest(filename="cat.jpg"), owner="alice", key="k1") for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda row: begin([row], owner="alice", repeatable=True)[0], rows))
    assert all(isinstance(answer, Upload) for answer in answers)
    assert len({answer.job_id for answer in answers if isinstance(answer, Upload)}) == 1
    assert _uploads_today(api) == 1


def test_the_same_key_with_another_body_is_refused(api: Api) -> None:
    key = {"Idempotency-Key": "k1"}
    assert api.call("POST", "/uploads", {"filename": "cat.jpg"}, headers=key).status == 201
    answer = api.call("POST", "/uploads", {"filename": "dog.jpg"}, headers=key)
    assert (answer.status, answer.code) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_one_key_of_two_callers_is_two_jobs(api: Api) -> None:
    key, request = {"Idempotency-Key": "k1"}, {"filename": "cat.jpg"}
    ids = {api.call("POST", "/uploads", request, headers=key, sub=sub).json["jobId"] for sub in ("alice", "bob")}
    assert len(ids) == 2


def test_a_repeated_request_whose_file_has_arrived_gets_the_job_without_a_url(api: Api) -> None:
    key, request = {"Idempotency-Key": "k1"}, {"filename": "cat.jpg"}
    upload = api.call("POST", "/uploads", request, headers=key).json
    api.change_job(upload["jobId"], status="PROCESSING", versionId="v1")
    answer = api.call("POST", "/uploads", request, headers=key)
    assert answer.status == 200
    assert answer.json == {"jobId": upload["jobId"], "fileKey": upload["fileKey"], "status": "PROCESSING"}


def test_a_key_with_a_comma_is_refused_rather_than_cut(api: Api) -> None:
    answer = api.call("POST", "/uploads", {"filename": "cat.jpg"}, headers={"Idempotency-Key": "a,b"})
    assert (answer.status, answer.code) == (422, "INVALID_REQUEST")


def test_a_batch_answers_each_entry_in_order_and_repeats_them_under_one_key(api: Api) -> None:
    entries: list[dict[str, Any]] = [{"filename": f"{index}.jpg"} for index in range(99)]
    entries.insert(1, {"filename": "big.jpg", "size": 2**40})
    key = {"Idempotency-Key": "k1"}
    first, again = (api.call("POST", "/uploads/batch", {"uploads": entries}, headers=key) for _ in range(2))
    assert first.status == 200
    uploads = first.json["uploads"]
    assert uploads[1]["problem"]["code"] == "TOO_LARGE"
    names = [upload["fileKey"].rpartition("/")[2] for upload in uploads if "fileKey" in upload]
    assert names == [f"{index}.jpg" for index in range(99)]
    ids = [upload.get("jobId") for upload in uploads]
    assert [upload.get("jobId") for upload in again.json["uploads"]] == ids
    assert _uploads_today(api) == 99
    assert put(uploads[0]) == 200


def test_a_caller_whose_quota_is_used_up_waits_until_midnight_and_nobody_else_does(api: Api) -> None:
    api.configure(daily_uploads_per_caller=2)
    key = {"Idempotency-Key": "k1"}
    assert api.call("POST", "/uploads", {"filename": "1.jpg"}, headers=key).status == 201
    many = api.call("POST", "/uploads/batch", {"uploads": [{"filename": "2.jpg"}, {"filename": "3.jpg"}]})
    assert (many.status, many.code) == (429, "DAILY_QUOTA_EXCEEDED")
    assert 0 < int(many.headers["retry-after"]) <= 86_400
    assert ask(api, filename="2.jpg")
    assert api.call("POST", "/uploads", {"filename": "3.jpg"}).status == 429
    assert api.call("POST", "/uploads", {"filename": "1.jpg"}, headers=key).status == 201, "a repetition costs nothing"
    assert api.call("POST", "/uploads", {"filename": "3.jpg"}, sub="bob").status == 201


def test_signatures_are_for_buckets_own_addresses_on_aws(api: Api) -> None:
    ask(api)  # the client of DynamoDB keeps the embedded cloud's address
    api.monkeypatch.delenv("AWS_ENDPOINT_URL")
    presigning.s3.cache_clear()
    try:
        upload = ask(api, size=len(BODY))
    finally:
        presigning.s3.cache_clear()
    address = urllib.parse.urlsplit(upload["uploadUrl"])
    assert (address.scheme, address.netloc) == ("https", "ingest.s3.us-east-1.amazonaws.com")
    assert urllib.parse.parse_qs(address.query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


def _post(upload: dict[str, Any], body: bytes) -> int:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in upload["fields"].items()
    ]
    head = "".join(parts) + f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    form = head.encode() + body + f"\r\n--{boundary}--\r\n".encode()
    return send("POST", upload["uploadUrl"], form, {"Content-Type": f"multipart/form-data; boundary={boundary}"}).status


def _uploads_today(api: Api) -> int:
    return int(api.job_row(f"quota/alice/{datetime.now(UTC):%Y-%m-%d}")["uploads"])
