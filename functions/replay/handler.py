"""Lambda entry point: replays dead letters and redrives orders for operators."""

from __future__ import annotations

from typing import Any

from functions.http_api.handling import handle
from functions.replay.routes import app


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an event of an HTTP API, payload format 2.0."""
    return handle(app, event, context)
