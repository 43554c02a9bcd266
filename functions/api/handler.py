"""Lambda entry point: answers the API's callers."""

from __future__ import annotations

from typing import Any

from functions.api.routes import app
from functions.http_api.handling import handle


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an event of an HTTP API, payload format 2.0."""
    return handle(app, event, context)
