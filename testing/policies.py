"""Policy documents."""

from __future__ import annotations

import json
from typing import Any


def policy(*statements: dict[str, Any]) -> str:
    """A policy document of statements, as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
