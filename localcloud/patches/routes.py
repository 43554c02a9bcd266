"""HTTP routes in addition to the emulator's: role credentials, executions, and services that it does not have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import ministack.app
from hypercorn.typing import ASGIFramework

from localcloud.addresses import DISTRIBUTIONS
from localcloud.patches.cloudfront import refusal
from localcloud.patches.iam import role_credentials
from localcloud.patches.observers import Service
from localcloud.patches.stepfunctions import executions


def application(own_service: Service) -> ASGIFramework:
    """Return the emulator's ASGI application with the additional routes."""

    async def serve(scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] == "http" and scope["path"] == "/_localcloud/role-credentials":
            await _answer_role_credentials(scope, send)
        elif scope["type"] == "http" and scope["path"] == "/_localcloud/executions":
            await _answer_executions(scope, send)
        elif scope["type"] == "http" and own_service.serves(scope["path"]):
            await _answer_for(own_service, scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(DISTRIBUTIONS):
            await _answer_for_distribution(scope, receive, send)
        else:
            await ministack.app.app(scope, receive, send)

    return serve


async def _answer_for_distribution(
    scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
) -> None:
    label, _, path = scope["path"].removeprefix(DISTRIBUTIONS).partition("/")
    host = dict(scope["headers"]).get(b"host", b"").decode()
    url = f"{scope['scheme']}://{host}{scope['raw_path'].decode()}"
    refused = refusal(label, f"/{path}", url, scope["query_string"].decode())
    if refused:
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": refused.encode()})
    else:
        await ministack.app.app(_addressed_by_domain_name(scope, label, path), receive, send)


def _addressed_by_domain_name(scope: dict[str, Any], label: str, path: str) -> dict[str, Any]:
    """A request to a distribution's address on the endpoint, as one to its domain name, over TLS."""
    raw_path = scope["raw_path"].decode().removeprefix(f"{DISTRIBUTIONS}{label}")
    replaced = {b"host", b"x-forwarded-proto"}
    headers = [(name, value) for name, value in scope["headers"] if name not in replaced]
    headers += [(b"host", f"{label}.cloudfront.net".encode()), (b"x-forwarded-proto", b"https")]
    return {**scope, "path": f"/{path}", "raw_path": raw_path.encode() or b"/", "headers": headers}


async def _answer_for(
    service: Service, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
) -> None:
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part.get("body", b""), part.get("more_body", False)
    query = parse_qs(scope["query_string"].decode())
    # In a thread: the service may send requests to this server.
    status, answer, error = await asyncio.to_thread(service.answer, scope["method"], scope["path"], query, body)
    headers = [(b"content-type", b"application/json"), (b"x-amzn-errortype", error.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def _answer_role_credentials(scope: dict[str, Any], send: Callable[..., Any]) -> None:
    role_name = parse_qs(scope["query_string"].decode()).get("role", [""])[0]
    credentials = role_credentials(role_name)
    status = 200 if credentials else 404
    body = json.dumps(credentials) if credentials else f"the role {role_name!r} does not exist in the embedded cloud"
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body.encode()})


async def _answer_executions(scope: dict[str, Any], send: Callable[..., Any]) -> None:
    machine_arn = parse_qs(scope["query_string"].decode()).get("machine", [""])[0]
    body = json.dumps(executions(machine_arn), default=str).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
