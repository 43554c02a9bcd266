"""Locks for functions of the emulator that are not thread-safe."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any


def synchronized(lock: threading.RLock, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*arguments: Any, **keywords: Any) -> Any:
        with lock:
            return function(*arguments, **keywords)

    return run
