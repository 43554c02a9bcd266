"""Ctrl-C during long work: handled between two steps, never within one."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any, Self


class Interruption:
    """While entered, Ctrl-C and SIGTERM request a stop between two steps; a second signal stops the work immediately.

    It is also the clock of that work, so that a request to stop ends a wait.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._former: dict[signal.Signals, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether the work should stop."""
        return self._requested.is_set()

    def request(self) -> None:
        """Request a stop."""
        self._requested.set()

    def now(self) -> float:
        """Seconds on a monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond a request to stop."""
        self._requested.wait(seconds)

    def __enter__(self) -> Self:
        # Only the main thread can set signal handlers; other threads are stopped by `request`.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._former[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.request()
