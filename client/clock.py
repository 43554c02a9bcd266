"""The time, and whether a request to stop was made."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """The time, and whether a stop was requested."""

    @property
    def requested(self) -> bool:
        """Whether the work should stop."""
        ...

    def now(self) -> float:
        """Seconds on a monotonic clock."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a request to stop ends the wait."""
        ...


class SystemClock:
    """The machine's monotonic clock; a stop is never requested."""

    requested = False

    def now(self) -> float:
        """Seconds on a monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
