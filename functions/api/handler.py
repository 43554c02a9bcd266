"""Lambda entry point: answers a request of the HTTP API, and writes one log line about it."""

from __future__ import annotations

import time
from typing import Any

from functions.api.problems import CONTENT_TYPE, Problem
from functions.api.requests import check
from functions.api.routes import app
from functions.shared.runtime import record

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an event of an HTTP API, payload format 2.0."""
    started = time.perf_counter()
    request = event["requestContext"]
    answer = _answer(event, context)
    answer["headers"] = {**answer["headers"], **_HEADERS, "x-request-id": request["requestId"]}
    record(
        {"requestId": request["requestId"], "route": event["routeKey"], "outcome": str(answer["statusCode"])}, started
    )
    return answer


def _answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    try:
        check(event)
    except Problem as problem:
        body = problem.body(request_id=event["requestContext"]["requestId"])
        return {"statusCode": int(problem.wording.status), "headers": {"content-type": CONTENT_TYPE}, "body": body}
    return app.resolve(event, context)
