"""The bodies of requests, before their fields are looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from functions.http_api.problems import Problem, ProblemCode, invalid_field

MAX_BODY_BYTES = 100_000
"""Length of a request's body: a batch of uploads with long names and addresses fits."""


def check(event: Mapping[str, Any]) -> None:
    """Refuse a body that no route reads.

    Raises:
        Problem: it is too long, or declared as something else than JSON.
    """
    body = event.get("body") or ""
    if len(body.encode(errors="surrogatepass")) > MAX_BODY_BYTES:
        raise Problem(ProblemCode.BODY_TOO_LARGE, limit=MAX_BODY_BYTES)
    declared = header(event, "content-type")
    if body and declared and declared.partition(";")[0].strip() != "application/json":
        raise Problem(ProblemCode.UNSUPPORTED_BODY, content_type=declared)


def header(event: Mapping[str, Any], name: str) -> str:
    """A header as it was sent; "" where it was not.

    Args:
        event: an HTTP API's event.
        name: in lower case.
    """
    return next((value for each, value in event["headers"].items() if each.lower() == name), "")


def parsed(text: str) -> dict[str, Any]:
    """Read a body.

    Raises:
        Problem: it is no JSON, or no object.
    """
    try:
        body = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Problem(ProblemCode.INVALID_JSON) from error
    if not isinstance(body, dict):
        raise invalid_field("body", "It has to be a JSON object.")
    return body


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
