"""Time, and whether to stop: how long work waits, and how somebody asks it to end early."""

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
        """Wait; less when asked to stop."""
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
