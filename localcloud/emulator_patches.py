"""What the emulator lacks: the only file that touches MiniStack's internals.

Every patch says which gap it fills; `tests/localcloud/test_upstream_gaps.py` says when upstream has filled it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import ministack.app
from hypercorn.typing import ASGIFramework
from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id
from ministack.services import iam, sts


def install(directory: Path) -> None:
    """Apply every patch. Call once, before the first request."""


def application() -> ASGIFramework:
    """Return the emulator's ASGI application with our own routes in front."""

    async def serve(scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] == "http" and scope["path"] == "/_localcloud/role-credentials":
            await _answer_role_credentials(scope, send)
        else:
            await ministack.app.app(scope, receive, send)

    return serve


def stop_workers() -> None:
    """End every Lambda worker process."""
    lambda_runtime.reset()


def role_credentials(role_name: str) -> dict[str, str] | None:
    """Open a session for a role, as the AWS service that the role trusts would; None if there is no such role."""
    role = iam._roles.get(role_name)
    if role is None:
        return None
    credentials = {
        "accessKeyId": "ASIA" + secrets.token_hex(8).upper(),
        "secretAccessKey": secrets.token_hex(20),
        "sessionToken": secrets.token_hex(20),
    }
    session = {
        "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{role_name}/localcloud",
        "UserId": f"{role_name}:localcloud",
        "SecretAccessKey": credentials["secretAccessKey"],
        "SessionToken": credentials["sessionToken"],
    }
    sts.register_session(credentials["accessKeyId"], session)
    return credentials


async def _answer_role_credentials(scope: dict[str, Any], send: Callable[..., Any]) -> None:
    role_name = parse_qs(scope["query_string"].decode()).get("role", [""])[0]
    credentials = role_credentials(role_name)
    status = 200 if credentials else 404
    body = json.dumps(credentials) if credentials else f"there is no role named {role_name!r} in the embedded cloud"
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body.encode()})
