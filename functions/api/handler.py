"""Lambda entry point: answers the API's callers."""

from __future__ import annotations

from functions.api.routes import app
from functions.http_api.handling import handler_of

handler = handler_of(app)
