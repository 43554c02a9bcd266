"""Types of the callbacks for events in the emulator, and of services that the emulator does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class RecordMetric(Protocol):
    """Receives one CloudWatch data point; must be fast and thread-safe."""

    def __call__(self, namespace: str, name: str, value: float, unit: str, dimensions: dict[str, str]) -> None: ...


class RecordLogLine(Protocol):
    """Receives one line that a function logged."""

    def __call__(self, line: str) -> None: ...


class ObjectCreated(Protocol):
    """Receives the detail of an "Object Created" event; must be fast and thread-safe."""

    def __call__(self, detail: Mapping[str, Any]) -> None: ...


class Service(Protocol):
    """An AWS service that the emulator does not have."""

    def serves(self, path: str) -> bool: ...

    def answer(
        self, method: str, path: str, query: Mapping[str, list[str]], body: bytes
    ) -> tuple[int, Mapping[str, Any], str]: ...
