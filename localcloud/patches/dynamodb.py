"""DynamoDB: writes are serialized."""

from __future__ import annotations

import threading

from ministack.services import (
    dynamodb,
)

from localcloud.patches.locks import synchronized


def install() -> None:
    """Apply this service's patches."""
    _lock_tables()


def _lock_tables() -> None:
    """Gap: conditional writes are not atomic: two concurrent ones can both succeed."""
    lock = threading.RLock()
    for name in ("_put_item", "_update_item", "_delete_item", "_batch_write_item", "_transact_write_items"):
        setattr(dynamodb, name, synchronized(lock, getattr(dynamodb, name)))
