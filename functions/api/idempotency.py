"""Requests that may be repeated: one key of one caller is one job."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from contract.jobs import JOB_ID_DIGITS


def job_id(owner: str, key: str | None) -> str:
    """A job's id: random, or always the same for the same key of the same caller."""
    if key is None:
        return uuid.uuid4().hex
    return hashlib.sha256(f"{owner}\n{key}".encode()).hexdigest()[:JOB_ID_DIGITS]


def entry_key(key: str | None, index: int) -> str | None:
    """The key of one entry of a batch."""
    return None if key is None else f"{key}#{index}"


def request_hash(request: Mapping[str, Any]) -> str:
    """What tells two requests under one key apart."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
