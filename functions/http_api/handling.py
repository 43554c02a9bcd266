"""What a Lambda handler of the HTTP API does: it answers a request, and writes one log line about it."""

from __future__ import annotations

import time
from typing import Any

from functions.http_api.problems import CONTENT_TYPE, Problem
from functions.http_api.requests import check
from functions.http_api.resolver import Resolver
from functions.shared.runtime import record

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def handle(app: Resolver, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request by one of the function's routes.

    Args:
        app: the routes.
        event: an HTTP API's event, payload format 2.0.
        context: Lambda's.
    """
    started = time.perf_counter()
    request = event["requestContext"]
    answer = _answer(app, event, context)
    answer["headers"] = {**answer["headers"], **_HEADERS, "x-request-id": request["requestId"]}
    record(
        {"requestId": request["requestId"], "route": event["routeKey"], "outcome": str(answer["statusCode"])}, started
    )
    return answer


def _answer(app: Resolver, event: dict[str, Any], context: Any) -> dict[str, Any]:
    try:
        check(event)
    except Problem as problem:
        body = problem.body(request_id=event["requestContext"]["requestId"])
        return {"statusCode": int(problem.wording.status), "headers": {"content-type": CONTENT_TYPE}, "body": body}
    return app.resolve(event, context)
