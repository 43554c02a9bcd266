"""Who may do what: every answer in the table of docs/authentication.md, asked of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from contract.api import Scope
from docs.generated import authorization_table
from testing.callers import Callers
from tests.e2e.test_api import uploaded

NOBODY = "no token"
BODIES: Mapping[str, Any] = {
    "POST /uploads": {"filename": "asked.jpg"},
    "POST /uploads/batch": {"uploads": [{"filename": "asked.jpg"}]},
    "POST /uploads/{jobId}/sign": {"method": "PUT", "uploadId": "any", "partNumber": 1},
    "POST /orders": {"fileKey": "uploads/none.jpg", "renditions": [{"width": 64, "format": "webp"}]},
    "POST /operations/dead-letters/replay": {"queue": "transform"},
    "POST /operations/failed-orders/redrive": {},
}


def cells() -> list[tuple[str, str, bool, str]]:
    """(route, scope, whether about another caller's file, answer) of every cell of the table."""
    found = []
    for line in authorization_table().splitlines()[2:]:
        route, nobody, *own, others = (cell.strip(" `") for cell in line.strip("|").split("|"))
        found.append((route, NOBODY, False, nobody))
        found += [(route, scope, False, answer) for scope, answer in zip(Scope, own, strict=True)]
        if others:
            found += [(route, scope, True, answer) for scope, answer in zip(Scope, others.split(", "), strict=True)]
    return found


@pytest.fixture(scope="module")
def finished(callers: Callers) -> dict[str, Any]:
    """A caller's job, whose asset is not deleted."""
    return uploaded(callers, callers.token())


def path_of(callers: Callers, route: str, finished: Mapping[str, Any], *, is_used_up: bool) -> str:
    """The path of a route, about a file of the stack's machine client; of its own if the request uses it up."""
    token = callers.token()
    if "{fileKey+}" in route:
        job = uploaded(callers, token) if is_used_up else finished
        return f"/assets/{quote(job['fileKey'])}"
    if route.endswith("/sign"):
        pending = callers.call("POST", "/uploads", token, {"filename": "large.jpg", "multipart": True}).json
        return f"/uploads/{pending['jobId']}/sign"
    if "{orderId}" in route:
        order = {"fileKey": finished["fileKey"], "renditions": [{"width": 48, "format": "webp"}]}
        return f"/orders/{callers.call('POST', '/orders', token, order).json['orderId']}"
    return route.partition(" ")[2].replace("{jobId}", finished["jobId"])


@pytest.mark.parametrize(("route", "scope", "foreign", "answer"), cells(), ids=str)
def test_a_route_answers_as_the_table_says(
    callers: Callers, finished: dict[str, Any], *, route: str, scope: str, foreign: bool, answer: str
) -> None:
    claims: dict[str, Any] = {"scope": f"img-pipeline/{scope}", **({"sub": "somebody-else"} if foreign else {})}
    token = None if scope == NOBODY else callers.signed_again(callers.token(), lambda own: {**own, **claims})

    method = route.partition(" ")[0]
    path = path_of(callers, route, finished, is_used_up=method == "DELETE" and answer == "yes")
    given = callers.call(method, path, token, BODIES.get(route))

    assert given.status < 300 if answer == "yes" else given.status == int(answer), given.body
