"""Makes a Lambda handler of an application's routes: it answers a request, and writes one log line about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from functions.http_api.problems import CONTENT_TYPE, Problem
from functions.http_api.requests import check
from functions.http_api.resolver import Resolver
from functions.shared.runtime import record

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def handler_of(app: Resolver) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The handler of a function whose routes are `app`; its events are an HTTP API's, payload format 2.0."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        request = event["requestContext"]
        answer = _answer(app, event, context)
        answer["headers"] = {**answer["headers"], **_HEADERS, "x-request-id": request["requestId"]}
        record(
            {"requestId": request["requestId"], "route": event["routeKey"], "outcome": str(answer["statusCode"])},
            started,
        )
        return answer

    return handler


def _answer(app: Resolver, event: dict[str, Any], context: Any) -> dict[str, Any]:
    try:
        check(event)
    except Problem as problem:
        body = problem.body(request_id=event["requestContext"]["requestId"])
        return {"statusCode": int(problem.wording.status), "headers": {"content-type": CONTENT_TYPE}, "body": body}
    return app.resolve(event, context)
