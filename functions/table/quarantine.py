"""The rows of a table that do not fit, as JSON Lines."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

MAX_VALUE_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A row that does not fit.

    Args:
        line: its line in the file, from 1.
        column: the column that does not fit; "" if it is the row.
        value: the value that does not fit, or the row.
        reason: why.
    """

    line: int
    column: str
    value: str
    reason: str


class Quarantine:
    """Writes the rows that do not fit to a file, in the order of their lines.

    Args:
        path: the file; one beside it is used for a while.
        most_rows: the number of rows with which the file is complete or not needed.

    Attributes:
        rows: their number.
        first: the first of them.
    """

    def __init__(self, path: Path, most_rows: float) -> None:
        self.path = path
        self.most_rows = most_rows
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, misfit: Misfit) -> None:
        """Write a value that does not fit, of the last row or a later one; a row may have several."""
        self.first = self.first or misfit
        self.rows += misfit.line != self._last_line
        self._last_line = misfit.line
        line = {
            "line": misfit.line,
            "column": misfit.column,
            "value": misfit.value[:MAX_VALUE_CHARACTERS],
            "reason": misfit.reason,
        }
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    @property
    def is_full(self) -> bool:
        """Whether there are more rows than `most_rows`."""
        return self.rows > self.most_rows

    def merge(self, misfits: Iterable[Misfit]) -> None:
        """Write values that do not fit of other rows, in the order of their lines, between those in the file."""
        self._file.close()
        written = self.path.rename(self.path.with_suffix(".written"))
        self._begin()
        for misfit in heapq.merge(_read(written), misfits, key=lambda misfit: misfit.line):
            self.add(misfit)
        written.unlink()

    def close(self) -> None:
        """Complete the file."""
        self._file.close()

    def _begin(self) -> None:
        self.rows = 0
        self.first: Misfit | None = None
        self._file = self.path.open("w", encoding="utf-8")
        self._last_line = 0


def _read(path: Path) -> Iterator[Misfit]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield Misfit(**json.loads(line))
