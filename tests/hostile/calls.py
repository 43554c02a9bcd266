"""Sends a request to the function that answers its route, and checks the answer against the API's description."""

from __future__ import annotations

import functools
import importlib
import json
import re
from pathlib import Path
from typing import Any

from functions.http_api.problems import CONTENT_TYPE, WORDINGS, ProblemCode
from tests.hostile.steps import Verdict, step

_DESCRIPTION = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
# What is answered to a path or a method that the description does not have.
_UNDESCRIBED = {"404", "405", "413", "415"}


def call(event: dict[str, Any]) -> Verdict:
    """Send a request.

    Args:
        event: an HTTP API's event.

    Raises:
        AssertionError: the status is not one that the route documents, or a problem has no valid document.
        Exception: whatever the function raised.
    """
    path, method = event["rawPath"].removeprefix("/api"), event["requestContext"]["http"]["method"]
    handler = importlib.import_module(f"functions.{_function(path, method)}.handler").handler
    with step("api"):
        answer = handler(event, None)
    json.dumps(answer, allow_nan=False)
    status, headers = answer["statusCode"], {name.lower(): value for name, value in answer["headers"].items()}
    assert str(status) in _documented(method, path), f"{method} {path[:80]} does not document {status}: {answer}"
    assert status < 500, answer
    if status < 400:
        return Verdict(kind="accepted", code=str(status))
    assert headers["content-type"] == CONTENT_TYPE, answer
    document = json.loads(answer["body"])
    code = ProblemCode(document["code"])
    assert document["status"] == status == WORDINGS[code].status, document
    assert document["detail"], document
    assert document["hint"], document
    return Verdict(kind="rejected", code=code)


def _function(path: str, method: str) -> str:
    if not path.startswith("/operations/"):
        return "api"
    return "replay" if method == "POST" else "operator"


@functools.cache
def _routes() -> dict[str, tuple[re.Pattern[str], set[str]]]:
    """The statuses of each method of each path."""
    described = json.loads(_DESCRIPTION.read_text(encoding="utf-8"))["paths"]
    return {
        f"{method.upper()} {path}": (_pattern(path), set(operation["responses"]))
        for path, operations in described.items()
        for method, operation in operations.items()
    }


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", lambda name: ".+" if name[1] == "fileKey" else "[^/]+", path), re.DOTALL)


def _documented(method: str, path: str) -> set[str]:
    for route, (pattern, statuses) in _routes().items():
        if route.startswith(f"{method} ") and pattern.fullmatch(path):
            return statuses
    return _UNDESCRIBED
