"""The commands of an Insights query: each transforms the rows and selects the columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from localcloud.logs.aggregates import Aggregate

Row = dict[str, str]
Value = Callable[[Row], str | None]
"""Returns the value of an expression for a row; None if the row lacks the field."""


@dataclass(frozen=True)
class Named:
    """An expression and the name of its column."""

    name: str
    value: Value


class Step:
    def run(self, rows: list[Row]) -> list[Row]:
        raise NotImplementedError

    def columns(self, shown: list[str]) -> list[str]:
        """Return the columns of the result after this step."""
        return shown


@dataclass(frozen=True)
class Fields(Step):
    named: tuple[Named, ...]

    def run(self, rows: list[Row]) -> list[Row]:
        def extended(row: Row) -> Row:
            found = {each.name: each.value(row) for each in self.named}
            return row | {name: value for name, value in found.items() if value is not None}

        return [extended(row) for row in rows]

    def columns(self, shown: list[str]) -> list[str]:
        return [*shown, *(each.name for each in self.named)]


@dataclass(frozen=True)
class Filter(Step):
    condition: Callable[[Row], bool]

    def run(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if self.condition(row)]


@dataclass(frozen=True)
class Stats(Step):
    aggregates: tuple[tuple[str, Aggregate], ...]
    keys: tuple[Named, ...] = ()

    def run(self, rows: list[Row]) -> list[Row]:
        groups: dict[tuple[str | None, ...], list[Row]] = {}
        for row in rows:
            groups.setdefault(tuple(key.value(row) for key in self.keys), []).append(row)
        if not self.keys:
            groups = {(): rows}
        return [self._row(values, members) for values, members in groups.items()]

    def _row(self, values: tuple[str | None, ...], members: list[Row]) -> Row:
        found = dict(zip((key.name for key in self.keys), values, strict=True))
        found |= {name: aggregate(members) for name, aggregate in self.aggregates}
        return {name: value for name, value in found.items() if value is not None}

    def columns(self, shown: list[str]) -> list[str]:  # noqa: ARG002 - groups have no other columns
        return [*(key.name for key in self.keys), *(name for name, _ in self.aggregates)]


@dataclass(frozen=True)
class Sort(Step):
    orders: tuple[tuple[Value, bool], ...]

    def run(self, rows: list[Row]) -> list[Row]:
        for value, descending in reversed(self.orders):
            rows = sorted(rows, key=lambda row, value=value: _sortable(value(row)), reverse=descending)
        return rows


@dataclass(frozen=True)
class Limit(Step):
    most: int

    def run(self, rows: list[Row]) -> list[Row]:
        return rows[: self.most]


def as_number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _sortable(text: str | None) -> tuple[int, float, str]:
    """Return a key that sorts missing values first, then numbers, then text."""
    number = as_number(text)
    return (0, 0, "") if text is None else (2, 0, text) if number is None else (1, number, "")
