"""Pages: everything once, newest first, whatever lies between two pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest

from contract.jobs import JobStatus
from functions.api import listing
from tests.unit.api.conftest import Api
from tests.unit.api.rows import asset_row, job_row

OPERATOR = {"cognito:groups": "[operators staff]"}


def time(second: int) -> str:
    return f"2026-11-27T21:{second // 60:02}:{second % 60:02}.000Z"


def digits(number: int) -> str:
    return f"{number:032x}"


def pages(api: Api, path: str, field: str, limit: int, **call: Any) -> list[list[dict[str, Any]]]:
    """Every page."""
    found, cursor = [], ""
    while True:
        separator = "&" if "?" in path else "?"
        answer = api.call("GET", f"{path}{separator}limit={limit}{cursor and f'&cursor={cursor}'}", **call)
        assert answer.status == 200, answer
        found.append(answer.json[field])
        if not (cursor := answer.json.get("cursor", "")):
            return found


def ids(found: Sequence[Sequence[dict[str, Any]]], name: str = "jobId") -> list[str]:
    return [each[name] for page in found for each in page]


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_a_callers_jobs_come_once_and_newest_first(api: Api, limit: int) -> None:
    for number in range(7):
        api.put_row("jobs", job_row(digits(number), createdAt=time(number)))
        api.put_row("jobs", job_row(digits(number + 100), createdAt=time(number), owner="bob"))
    found = pages(api, "/jobs", "jobs", limit)
    assert ids(found) == [digits(number) for number in reversed(range(7))]
    assert all(len(page) == limit for page in found[:-1])


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_jobs_of_one_moment_come_once_each(api: Api, limit: int) -> None:
    for number in range(9):
        api.put_row("jobs", job_row(digits(number), createdAt=time(number // 5)))
    assert sorted(ids(pages(api, "/jobs", "jobs", limit))) == [digits(number) for number in range(9)]


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_an_operators_list_merges_every_status_and_owner(api: Api, limit: int) -> None:
    owners = ["alice", "bob", None]
    for number in range(18):
        row = job_row(
            digits(number),
            createdAt=time(number),
            owner=owners[number % 3],
            status=list(JobStatus)[number % 6],
            uploadExpiresAt=time(number),
            reasonCode="X",
            reason="x",
            hint="x",
        )
        api.put_row("jobs", row)
    found = pages(api, "/jobs", "jobs", limit, claims=OPERATOR)
    assert ids(found) == [digits(number) for number in reversed(range(18))]


@pytest.mark.parametrize("claims", [{}, OPERATOR], ids=["caller", "operator"])
def test_a_status_selects_what_is_reported_as_such(api: Api, claims: dict[str, str]) -> None:
    pending = {"status": "PENDING", "versionId": None, "finishedAt": None}
    api.put_row("jobs", job_row(digits(1), **pending, uploadExpiresAt="2020-01-01T00:00:00.000Z"))
    api.put_row("jobs", job_row(digits(2), **pending, uploadExpiresAt="2999-01-01T00:00:00.000Z"))
    api.put_row("jobs", job_row(digits(3)))
    for status, wanted in (("EXPIRED", [1]), ("PENDING", [2]), ("COMPLETED", [3]), ("REJECTED", [])):
        found = pages(api, f"/jobs?status={status}", "jobs", 20, claims=claims)
        assert ids(found) == [digits(number) for number in wanted], status


def test_a_page_examines_no_more_than_it_may_and_the_next_goes_on(api: Api) -> None:
    api.monkeypatch.setattr(listing, "_MAX_EXAMINED", 4)
    for number in range(10):
        api.put_row("jobs", job_row(digits(number), createdAt=time(number), status="COMPLETED" if number else "FAILED"))
    api.change_job(digits(0), reasonCode="X", reason="x", hint="x")
    found = pages(api, "/jobs?status=FAILED", "jobs", 20)
    assert [len(page) for page in found] == [0, 0, 1]


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_an_operators_assets_come_from_every_shard_newest_first(api: Api, limit: int) -> None:
    keys = [f"uploads/{number:02}.jpg" for number in range(20)]
    for number, key in enumerate(keys):
        job_id = f"{number % 16:x}" * 32
        owner = "alice" if number % 2 else "direct"
        api.put_row("assets", asset_row(key, jobId=job_id, owner=owner, persistedAt=time(number)))
    assert ids(pages(api, "/assets", "assets", limit, claims=OPERATOR), "fileKey") == keys[::-1]
    assert ids(pages(api, "/assets", "assets", limit), "fileKey") == keys[1::2][::-1]


def test_what_arrives_between_two_pages_moves_nothing(api: Api) -> None:
    for number in range(4):
        api.put_row("jobs", job_row(digits(number), createdAt=time(number)))
    first = api.call("GET", "/jobs?limit=2").json
    api.put_row("jobs", job_row(digits(9), createdAt=time(9)))
    second = api.call("GET", f"/jobs?limit=2&cursor={first['cursor']}").json
    assert ids([first["jobs"], second["jobs"]]) == [digits(number) for number in (3, 2, 1, 0)]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "!!!", "%20", "bnVsbA", "W10", "WzFd", "e30", "AAAA", "A" * 4000]
    + [
        base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
        for value in ([""], ["x"], ["2026", 1], ["2026-11-27T21:15:12.123Z", None], [["a"]], ["9" * 2000])
    ],
)
def test_a_cursor_of_somebody_elses_making_is_refused(api: Api, cursor: str) -> None:
    for path in ("/jobs", "/assets"):
        answer = api.call("GET", f"{path}?cursor={cursor}")
        assert (answer.status, answer.code) == (400, "INVALID_CURSOR")
