"""Waiting for what happens in the background."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

_PAUSE_SECONDS = 0.05


def eventually(
    find: Callable[[], Found | None], what: str = "what was waited for", timeout_seconds: float = 30
) -> Found:
    """Call `find` until it returns something true, and return that.

    Args:
        find: looks once.
        what: names what is waited for in the error.
        timeout_seconds: a limit that even a busy machine keeps.

    Raises:
        AssertionError: it did not come.
    """
    deadline = time.monotonic() + timeout_seconds
    while not (found := find()):
        assert time.monotonic() < deadline, f"{what} did not come within {timeout_seconds} s"
        time.sleep(_PAUSE_SECONDS)
    return found
