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


class Deadline:
    """The machine's monotonic clock; a stop is requested once the given seconds have passed."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def requested(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end

    def now(self) -> float:
        """Seconds on a monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, no longer than to the end."""
        time.sleep(max(0.0, min(seconds, self._end - time.monotonic())))
