"""The committed copy of the API's description, docs/openapi.json; `make docs` writes it."""

from __future__ import annotations

from pathlib import Path

from functions.api.description import described
from functions.api.routes import app

PATH = Path(__file__).with_name("openapi.json")


def description() -> str:
    """What the API of a stack that takes orders returns for GET /openapi.json."""
    return described(app, with_orders=True)
