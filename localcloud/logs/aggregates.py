"""The aggregation functions of Insights' `stats`, from a group's rows to one value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Row = dict[str, str]
Value = Callable[[Row], str | None]
Aggregate = Callable[[Sequence[Row]], str | None]


def _texts(value: Value, rows: Sequence[Row]) -> list[str]:
    return [text for row in rows if (text := value(row)) is not None]


def _numbers(value: Value, rows: Sequence[Row]) -> list[float]:
    numbers = []
    for text in _texts(value, rows):
        try:
            numbers.append(float(text))
        except ValueError:
            continue
    return numbers


def _written(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:.4f}".rstrip("0")


def percentile(numbers: Sequence[float], percent: float) -> float:
    """Return the percentile of at least one number, by the nearest-rank method."""
    ordered = sorted(numbers)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def _count(value: Value | str, rows: Sequence[Row]) -> str:
    return str(len(_texts(value, rows)) if callable(value) else len(rows))


def _of_numbers(aggregate: Callable[[list[float]], float]) -> Callable[[Value, Sequence[Row]], str | None]:
    def run(value: Value, rows: Sequence[Row]) -> str | None:
        numbers = _numbers(value, rows)
        return _written(aggregate(numbers)) if numbers else None

    return run


def _percentile(value: Value, percent: Value, rows: Sequence[Row]) -> str | None:
    numbers = _numbers(value, rows)
    return _written(percentile(numbers, float(percent({}) or 0))) if numbers else None


def _by_time(choose: Callable[..., Row]) -> Callable[[Value, Sequence[Row]], str | None]:
    def run(value: Value, rows: Sequence[Row]) -> str | None:
        having = [row for row in rows if value(row) is not None]
        return value(choose(having, key=lambda row: row["@timestamp"])) if having else None

    return run


AGGREGATES: dict[str, Callable[..., str | None]] = {
    "count": _count,
    "count_distinct": lambda value, rows: str(len(set(_texts(value, rows)))),
    "sum": _of_numbers(sum),
    "avg": _of_numbers(lambda numbers: sum(numbers) / len(numbers)),
    "min": _of_numbers(min),
    "max": _of_numbers(max),
    "pct": _percentile,
    "latest": _by_time(max),
    "earliest": _by_time(min),
}
"""Functions by name, called with the arguments of the query and then the group's rows."""
