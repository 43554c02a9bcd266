"""Every bad request has a problem document, with a code and a hint, and nothing internal."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from functions.http_api.problems import WORDINGS, ProblemCode
from tests.unit.api.conftest import Answer, Api

JOB = "0" * 32


def assert_problem(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code), answer
    document = answer.json
    assert document["type"] == f"urn:img-pipeline:problem:{code}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["hint"]
    assert document["instance"] == "urn:img-pipeline:request:JKJaXmPLvHcESHA="


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "INVALID_JSON"),
        ("'", 400, "INVALID_JSON"),
        ('{"filename": NaN}', 400, "INVALID_JSON"),
        ("[" * 50_000, 400, "INVALID_JSON"),
        ('{"size": ' + "9" * 5_000 + "}", 400, "INVALID_JSON"),
        ('[{"filename": "cat.jpg"}]', 422, "INVALID_REQUEST"),
        ("null", 422, "INVALID_REQUEST"),
        ("", 422, "INVALID_REQUEST"),
        (None, 422, "INVALID_REQUEST"),
        ('{"filename": "\\ud800.jpg"}', 422, "INVALID_REQUEST"),
        ('{"filename": "' + "x" * 100_000 + '"}', 413, "BODY_TOO_LARGE"),
    ],
)
def test_a_body_that_is_no_request(api: Api, body: str | None, status: int, code: str) -> None:
    for path in ("/uploads", "/uploads/batch"):
        assert_problem(api.call("POST", path, body), status, code)


@pytest.mark.parametrize(
    ("request_body", "field"),
    [
        ({}, "filename"),
        ({"filename": ""}, "filename"),
        ({"filename": "x" * 256}, "filename"),
        ({"filename": 1}, "filename"),
        ({"fileName": "cat.jpg", "filename": "cat.jpg"}, "fileName"),
        ({"filename": "cat.jpg", "size": 0}, "size"),
        ({"filename": "cat.jpg", "size": "3"}, "size"),
        ({"filename": "cat.jpg", "size": True}, "size"),
        ({"filename": "cat.jpg", "size": 1e300}, "size"),
        ({"filename": "cat.jpg", "sha256": "ab"}, "sha256"),
        ({"filename": "cat.jpg", "sha256": "A" * 43 + "!"}, "sha256"),
        ({"filename": "cat.jpg", "contentType": "jpeg"}, "contentType"),
        ({"filename": "cat.jpg", "contentType": "image/jpeg\r\nX: y"}, "contentType"),
        ({"filename": "cat.jpg", "multipart": "yes"}, "multipart"),
        ({"filename": "cat.jpg", "method": "GET"}, "method"),
        ({"filename": "cat.jpg", "callbackUrl": "x" * 2049}, "callbackUrl"),
    ],
)
def test_a_field_that_is_not_valid_is_named_by_its_path(api: Api, request_body: dict[str, Any], field: str) -> None:
    alone = api.call("POST", "/uploads", request_body)
    assert_problem(alone, 422, "INVALID_REQUEST")
    assert {error["field"] for error in alone.json["errors"]} == {field}
    many = api.call("POST", "/uploads/batch", {"uploads": [{"filename": "cat.jpg"}, request_body]})
    assert_problem(many, 422, "INVALID_REQUEST")
    assert {error["field"] for error in many.json["errors"]} == {f"uploads[1].{field}"}


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_one_to_a_hundred_entries(api: Api, count: int) -> None:
    answer = api.call("POST", "/uploads/batch", {"uploads": [{"filename": "cat.jpg"}] * count})
    assert_problem(answer, 422, "INVALID_REQUEST")


@pytest.mark.parametrize("query", ["status=DONE", "status=PENDING&status=FAILED", "limit=0", "limit=101", "limit=x"])
def test_a_query_that_is_not_valid(api: Api, query: str) -> None:
    answer = api.call("GET", f"/jobs?{query}")
    assert_problem(answer, 422, "INVALID_REQUEST")
    assert [error["field"] for error in answer.json["errors"]] == [query.partition("=")[0]]


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "nonsense"]
)
def test_a_body_that_is_declared_as_something_else(api: Api, content_type: str) -> None:
    answer = api.call("POST", "/uploads", '{"filename": "cat.jpg"}', headers={"Content-Type": content_type})
    assert_problem(answer, 415, "UNSUPPORTED_BODY")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", ""])
def test_json_may_be_declared_with_parameters_or_not_at_all(api: Api, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    assert api.call("POST", "/uploads", '{"filename": "cat.jpg"}', headers=headers).status == 201


@pytest.mark.parametrize("path", ["/", "/nothing", "/jobs/", f"/jobs/{JOB}/x", "/assets/", "/uploads/batch/x"])
def test_an_address_under_which_there_is_nothing(api: Api, path: str) -> None:
    assert_problem(api.call("GET", path), 404, "NOT_FOUND")


@pytest.mark.parametrize("job_id", ["x", JOB, JOB.upper().replace("0", "A"), JOB + "0", "%E2%98%83", "%0A" + JOB])
def test_a_job_that_nobody_has(api: Api, job_id: str) -> None:
    assert_problem(api.call("GET", f"/jobs/{job_id}"), 404, "JOB_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("PUT", "/jobs", "GET"), ("GET", "/uploads", "POST"), ("POST", "/assets/a/b", "DELETE, GET")],
)
def test_a_method_that_an_address_does_not_have(api: Api, method: str, path: str, allow: str) -> None:
    answer = api.call(method, path)
    assert_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize("sub", ["", "anonymous", "direct", "x" * 1025, "é" * 513])
def test_a_token_that_names_nobody(api: Api, sub: str) -> None:
    assert_problem(api.call("GET", "/jobs", sub=sub), 401, "UNAUTHENTICATED")


def test_the_longest_name_of_a_caller_fits_the_tables_keys(api: Api) -> None:
    assert api.call("POST", "/uploads", {"filename": "cat.jpg"}, sub="x" * 1024).status == 201
    assert len(api.call("GET", "/jobs", sub="x" * 1024).json["jobs"]) == 1


def test_a_failure_of_ours_says_nothing_but_the_request_id(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.monkeypatch.setenv("JOBS_TABLE", "secret-table")
    answer = api.call("GET", f"/jobs/{JOB}")
    assert_problem(answer, 500, "INTERNAL")
    assert "secret-table" not in answer.text
    assert "ResourceNotFound" not in answer.text
    logged = capsys.readouterr().out
    assert "ResourceNotFoundException" in logged
    assert answer.headers["x-request-id"] in logged


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException"}}, "GetItem"),
        EndpointConnectionError(endpoint_url="https://dynamodb.invalid"),
    ],
)
def test_a_busy_service_says_when_to_come_back(api: Api, error: Exception) -> None:
    def busy(*_: object) -> None:
        raise error

    api.monkeypatch.setattr("functions.api.jobs.find", busy)
    answer = api.call("GET", f"/jobs/{JOB}")
    assert_problem(answer, 503, "UNAVAILABLE")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(("method", "path"), [("GET", "/health"), ("GET", "/nothing"), ("POST", "/uploads")])
def test_every_answer_forbids_caching_and_sniffing_and_names_the_request(api: Api, method: str, path: str) -> None:
    headers = api.call(method, path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-request-id"] == "JKJaXmPLvHcESHA="


def test_every_code_is_worded() -> None:
    assert set(WORDINGS) == set(ProblemCode)
