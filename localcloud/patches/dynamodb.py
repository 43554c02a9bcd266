"""DynamoDB: one write at a time."""

from __future__ import annotations

import threading

from ministack.services import (
    dynamodb,
)

from localcloud.patches.locks import one_at_a_time


def install() -> None:
    """Apply this service's patches."""
    _lock_tables()


def _lock_tables() -> None:
    """Gap: a workflow's write can come between the condition and the write of another, so that both succeed."""
    lock = threading.RLock()
    for name in ("_put_item", "_update_item", "_delete_item", "_batch_write_item", "_transact_write_items"):
        setattr(dynamodb, name, one_at_a_time(lock, getattr(dynamodb, name)))
