"""What an upload URL takes and what it refuses, and how many jobs repeated requests make."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import pytest

from testing.callers import Callers, send
from testing.pictures import photograph
from testing.waiting import eventually

PICTURE = photograph()


def asked(callers: Callers) -> dict[str, Any]:
    """An upload URL for the picture, its size and its checksum."""
    body = {"filename": "photo.jpg", "size": len(PICTURE), "sha256": sha256(PICTURE).hexdigest()}
    return callers.call("POST", "/uploads", callers.token(), body).json


def test_twenty_identical_requests_at_once_are_one_job(callers: Callers) -> None:
    token, key = callers.token(), {"Idempotency_Key": "twenty-at-once"}
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: callers.call("POST", "/uploads", token, {"filename": "a.jpg"}, **key), range(20))
        )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["jobId"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "image/png"}, 403),
        ({"x-amz-checksum-sha256": "A" * 43 + "="}, 403),
        ({"If-None-Match": ""}, 403),
    ],
    ids=["type", "checksum", "overwriting"],
)
def test_a_request_that_differs_from_the_signed_one_is_refused(
    callers: Callers, headers: dict[str, str], status: int
) -> None:
    upload = asked(callers)
    assert send("PUT", upload["uploadUrl"], PICTURE, {**upload["headers"], **headers}).status == status


def test_an_upload_url_is_for_one_key_only(callers: Callers) -> None:
    upload = asked(callers)
    elsewhere = upload["uploadUrl"].replace("photo.jpg", "other.jpg")
    assert send("PUT", elsewhere, PICTURE, upload["headers"]).status == 403


def test_an_upload_url_writes_once(callers: Callers) -> None:
    upload = asked(callers)
    answers = [send("PUT", upload["uploadUrl"], PICTURE, upload["headers"]).status for _ in range(2)]
    assert answers == [200, 412]
    token, path = callers.token(), f"/jobs/{upload['jobId']}"
    eventually(lambda: callers.call("GET", path, token).json["status"] == "COMPLETED", "the job", 120)
