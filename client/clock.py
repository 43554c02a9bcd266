"""The time, and whether a request to stop was made."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Time, and whether to stop."""

    @property
    def requested(self) -> bool:
        """Whether the work should stop."""
        ...

    def now(self) -> float:
        """Seconds since some moment in the past; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a request to stop ends the wait."""
        ...


class SystemClock:
    """The machine's clock; nobody asks the work to stop."""

    requested = False

    def now(self) -> float:
        """Seconds since some moment in the past; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
