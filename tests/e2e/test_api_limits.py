"""Which pages may call the API and upload, and how large a request and a file may be."""

from __future__ import annotations

import pytest

from functions.api.limits import MAX_BODY_BYTES
from testing.callers import Callers, send
from testing.pictures import photograph
from tests.e2e.conftest import ORIGIN

ELSEWHERE = "https://elsewhere.example.com"


@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, ORIGIN), (ELSEWHERE, None)])
def test_pages_of_the_settings_origins_alone_may_call_it(callers: Callers, origin: str, allowed: str | None) -> None:
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization"}
    preflight = callers.call("OPTIONS", "/uploads", Origin=origin, **asked)
    call = callers.call("GET", "/jobs", callers.token(), Origin=origin)
    assert call.status == 200
    for answer in (preflight, call):
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, ORIGIN), (ELSEWHERE, None)])
def test_pages_of_the_settings_origins_alone_may_upload(callers: Callers, origin: str, allowed: str | None) -> None:
    upload = callers.call("POST", "/uploads", callers.token(), {"filename": "photo.jpg"}).json
    asked = {"origin": origin, "access-control-request-method": "PUT", "access-control-request-headers": "content-type"}
    preflight = send("OPTIONS", upload["uploadUrl"], None, asked)
    assert preflight.headers.get("access-control-allow-origin") == allowed


def test_a_body_that_is_too_large_is_refused(callers: Callers) -> None:
    answer = callers.call("POST", "/uploads", callers.token(), {"filename": "x" * MAX_BODY_BYTES})
    assert (answer.status, answer.json["code"]) == (413, "BODY_TOO_LARGE")


def test_a_file_that_is_too_large_gets_no_url(callers: Callers) -> None:
    token = callers.token()
    types = callers.call("GET", "/limits", token).json["mediaTypes"]
    (limit,) = (each["maxBytes"] for each in types if each["name"] == "image/jpeg")
    largest, larger = (
        callers.call("POST", "/uploads", token, {"filename": "photo.jpg", "size": size}) for size in (limit, limit + 1)
    )
    assert largest.status == 201
    assert (larger.status, larger.json["code"]) == (413, "TOO_LARGE")


def test_a_file_of_another_size_than_declared_is_not_stored(callers: Callers) -> None:
    picture = photograph()
    asked = {"filename": "photo.jpg", "size": len(picture) - 1}
    upload = callers.call("POST", "/uploads", callers.token(), asked).json
    assert send("PUT", upload["uploadUrl"], picture, upload["headers"]).status == 403
    assert send("PUT", upload["uploadUrl"], picture[:-1], upload["headers"]).status == 200
