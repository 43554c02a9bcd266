"""The HTTP layer's part of the fault plan: requests that are slow, refused, cut or left without an answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from hypercorn.typing import ASGIFramework

from localcloud.faults import Effect, FaultPlan, PlannedFault, Point

CONTROL_PATH = "/_localcloud/faults"

# An access key id of temporary credentials, which every role has, begins so ("IAM User Guide", unique identifiers).
_SESSION_KEY = "ASIA"
_CREDENTIAL = re.compile(r"(\w+)/\d{8}/[\w-]+/([\w-]+)/aws4_request")


class ConnectionCut(Exception):
    """Ends a response without its end, which the server does by closing the connection."""


def with_faults(serve: ASGIFramework, plan: FaultPlan) -> ASGIFramework:
    """The application with the plan's faults, and a route to change the plan."""

    async def serve_with_faults(scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] != "http":
            await serve(scope, receive, send)
        elif scope["path"] == CONTROL_PATH:
            await _change_plan(plan, scope, receive, send)
        elif fault := plan.strike(Point.REQUEST, subject_of(scope)):
            await _struck(fault, serve, scope, receive, send)
        else:
            await serve(scope, receive, send)

    return serve_with_faults


def subject_of(scope: Any) -> str:
    """Who calls which operation of which service: ``role s3 GET /bucket/key``, ``root dynamodb PutItem``."""
    headers = dict(scope["headers"])
    signed = (
        headers.get(b"authorization", b"").decode()
        or parse_qs(scope["query_string"].decode()).get("X-Amz-Credential", [""])[0]
    )
    match = _CREDENTIAL.search(signed)
    if match is None:
        return f"unsigned {scope['method']} {scope['path']}"
    caller = "role" if match[1].startswith(_SESSION_KEY) else "root"
    target = headers.get(b"x-amz-target", b"").decode().rpartition(".")[2]
    return f"{caller} {match[2]} {target or scope['method'] + ' ' + scope['path']}"


async def _struck(
    fault: PlannedFault, serve: ASGIFramework, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]
) -> None:
    if fault.effect is Effect.DELAY:
        await asyncio.sleep(fault.values["seconds"])
        await serve(scope, receive, send)
    elif fault.effect is Effect.REFUSE:
        await _refuse(fault, scope, receive, send)
    else:
        await serve(scope, receive, _cutting(send, fault.values.get("bytes", 0)))


async def _refuse(fault: PlannedFault, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    while (await receive()).get("more_body", False):
        pass
    code, message = fault.values["code"], "injected fault"
    if any(name == b"x-amz-target" for name, _ in scope["headers"]):
        kind, body = b"application/x-amz-json-1.0", json.dumps({"__type": code, "message": message}).encode()
    else:
        kind, body = b"application/xml", f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": fault.values["status"], "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _cutting(send: Callable[..., Any], bytes_left: int) -> Callable[..., Any]:
    """A `send` that passes so many bytes of the body and then cuts the connection."""

    async def send_part(message: Any) -> None:
        nonlocal bytes_left
        if message["type"] == "http.response.start":
            # An answer without a body would be complete without it: it promises one here.
            headers = [(name, value) for name, value in message["headers"] if name.lower() != b"content-length"]
            length = [value for name, value in message["headers"] if name.lower() == b"content-length"]
            promised = str(max(int(length[0]) if length else 0, bytes_left + 1)).encode()
            await send(
                {**message, "status": max(message["status"], 200), "headers": [*headers, (b"content-length", promised)]}
            )
            return
        part = message.get("body", b"")[:bytes_left]
        bytes_left -= len(part)
        if part:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        if bytes_left <= 0 or not message.get("more_body", False):
            raise ConnectionCut("injected fault")

    return send_part


async def _change_plan(plan: FaultPlan, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part.get("body", b""), part.get("more_body", False)
    number = int(parse_qs(scope["query_string"].decode()).get("number", ["0"])[0])
    if scope["method"] == "POST":
        values = json.loads(body)
        answer = plan.add(
            PlannedFault(**values | {"point": Point(values["point"]), "effect": Effect(values["effect"])})
        )
    else:
        answer = plan.remove(number) if scope["method"] == "DELETE" else plan.fired(number)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
