"""Locks around functions of the emulator that its threads must not run at once."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any


def one_at_a_time(lock: threading.RLock, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*arguments: Any, **keywords: Any) -> Any:
        with lock:
            return function(*arguments, **keywords)

    return run
