"""The sections of docs/performance.md, in order: each measures, and writes Markdown from what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from bench.sections import cold_start, growth, images, per_file


class Section(Protocol):
    """A module of this package."""

    @property
    def TITLE(self) -> str:
        """Its heading."""
        ...

    def measure(self) -> Iterator[dict[str, Any]]:
        """Measure; each time that more is known, all that was measured, in JSON types."""
        ...

    def markdown(self, measured: dict[str, Any]) -> str:
        """The section's text, below its title."""
        ...


SECTIONS: dict[str, Section] = {"images": images, "cold-start": cold_start, "per-file": per_file, "growth": growth}
"""By name."""
