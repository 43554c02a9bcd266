"""Who is told of what happens in the emulator, and what stands in for services that it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class RecordMetric(Protocol):
    """Takes one CloudWatch data point; must be quick and safe to call from any thread."""

    def __call__(self, namespace: str, name: str, value: float, unit: str, dimensions: dict[str, str]) -> None: ...


class RecordLogLine(Protocol):
    """Takes one line that a function logged."""

    def __call__(self, line: str) -> None: ...


class ObjectCreated(Protocol):
    """Takes the detail of an "Object Created" event; must be quick and safe to call from any thread."""

    def __call__(self, detail: Mapping[str, Any]) -> None: ...


class Service(Protocol):
    """An AWS service that the emulator does not have: which requests are for it, and its answers to them."""

    def serves(self, path: str) -> bool: ...

    def answer(
        self, method: str, path: str, query: Mapping[str, list[str]], body: bytes
    ) -> tuple[int, Mapping[str, Any], str]: ...
