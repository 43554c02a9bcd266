"""What a client asked of the pipeline and what it was told: the one thing that the checker believes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    """A file that a client put.

    Attributes:
        file_key: its key in the ingest bucket.
        sha256: of its bytes, hexadecimal.
        is_acceptable: whether its content is a file that the pipeline accepts.
        version_id: what S3 answered; None if the client got no answer and does not know whether the file is stored.
    """

    file_key: str
    sha256: str
    is_acceptable: bool
    version_id: str | None


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """A key that a client deleted, and the version of the delete marker that S3 answered."""

    file_key: str
    marker_id: str


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """An order that the API accepted."""

    order_id: str
    file_key: str


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """A replay of a dead-letter queue, to a queue that nobody read meanwhile.

    Attributes:
        queue: the dead-letter queue's short name.
        found: messages in it before.
        sent: messages that the operator was told were sent.
        left: messages in it afterwards.
        arrived: messages that arrived where they were sent to.
    """

    queue: str
    found: int
    sent: int
    left: int
    arrived: int


@dataclass(frozen=True, kw_only=True)
class FaultWindow:
    """When a fault was in force. What fails between, or within a delivery begun between, has a cause."""

    name: str
    started_at: datetime
    ended_at: datetime


@dataclass(kw_only=True)
class History:
    """Everything, in the order in which it happened. Clients in several threads may add to it."""

    uploads: list[Uploaded] = field(default_factory=list)
    deletions: list[Deleted] = field(default_factory=list)
    orders: list[Ordered] = field(default_factory=list)
    replays: list[Replayed] = field(default_factory=list)
    faults: list[FaultWindow] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, entry: Uploaded | Deleted | Ordered | Replayed | FaultWindow) -> None:
        """Note what was asked and answered."""
        lists: dict[type, list[Any]] = {
            Uploaded: self.uploads,
            Deleted: self.deletions,
            Ordered: self.orders,
            Replayed: self.replays,
            FaultWindow: self.faults,
        }
        with self._lock:
            lists[type(entry)].append(entry)
