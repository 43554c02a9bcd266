"""Waiting for background work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

_PAUSE_SECONDS = 0.05


def eventually(find: Callable[[], Found | None], what: str = "the result", timeout_seconds: float = 30) -> Found:
    """Call `find` until it returns a truthy value, and return that.

    Args:
        find: checks once.
        what: describes the result, for the error.
        timeout_seconds: long enough for a machine under load.

    Raises:
        AssertionError: the timeout has elapsed.
    """
    deadline = time.monotonic() + timeout_seconds
    while not (found := find()):
        assert time.monotonic() < deadline, f"timed out after {timeout_seconds} s waiting for {what}"
        time.sleep(_PAUSE_SECONDS)
    return found
