"""Attempts that fail on purpose, so that error paths can be watched in a stack for tests."""

from __future__ import annotations

import hashlib

_DIGITS = 8


def fails(order_id: str, attempt: int, success_rate: float) -> bool:
    """Whether an attempt fails. It is always the same for the same attempt, so that a test can tell what to expect.

    Args:
        order_id: the order.
        attempt: its number, from 1.
        success_rate: the share of attempts that do not fail.
    """
    digest = hashlib.sha256(f"{order_id}/{attempt}".encode()).hexdigest()
    return int(digest[:_DIGITS], 16) / 16**_DIGITS >= success_rate
