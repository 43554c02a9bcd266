"""Profiles the columns of a table, counts its formulas, and shows its first rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from functions.table.reading import TEXT, batches, name, text

PREVIEW_ROWS = 100
MAX_TEXT_CHARACTERS = 100
"""The length of texts in profile and preview; longer ones are cut."""
# Parquet is read by column, so that several queries cost no more than one, and need less memory.
_COLUMNS_PER_QUERY = 20
_QUANTILES = (0.25, 0.5, 0.75)
_FORMULA = r"^[=+\-@]"
_LARGEST_EXACT = 2**53


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What is known of a table's columns.

    Args:
        columns: {name, type, nulls, distinct: an estimate, min, max, quantiles: the quartiles of numbers and times}.
        formulas: the number of cells that start like a formula, by the name of their column.
    """

    columns: list[dict[str, Any]]
    formulas: dict[str, int]


def profile(connection: duckdb.DuckDBPyConnection, path: Path, types: Mapping[str, str]) -> Profile:
    """Profile a Parquet file with these columns."""
    columns, formulas = [], {}
    for some in batches(list(types.items()), _COLUMNS_PER_QUERY):
        parts = ", ".join(_aggregates(column, type) for column, type in some)
        row = connection.execute(f"SELECT {parts} FROM {text(str(path))}").fetchone() or ()
        for (column, type), found in zip(some, row, strict=True):
            columns.append(_column(column, type, found))
            if count := found["formulas"]:
                formulas[column] = count
    return Profile(columns=columns, formulas=formulas)


def preview(connection: duckdb.DuckDBPyConnection, path: Path, types: Mapping[str, str]) -> dict[str, Any]:
    """The first rows of a Parquet file, {columns, rows}."""
    values = ", ".join(_shown(column, type) for column, type in types.items())
    rows = connection.execute(f"SELECT {values} FROM {text(str(path))} LIMIT {PREVIEW_ROWS}").fetchall()
    return {"columns": list(types), "rows": [[_json_value(value) for value in row] for row in rows]}


def _shown(column: str, type: str) -> str:
    """A column without the ends of long texts."""
    return f"left({name(column)}, {MAX_TEXT_CHARACTERS})" if type == TEXT else name(column)


def _aggregates(column: str, type: str) -> str:
    """A struct of a column's aggregates."""
    quoted = name(column)
    shown = _shown(column, type)
    is_formula = f"regexp_matches({quoted}, {text(_FORMULA)}) AND TRY_CAST({quoted} AS DOUBLE) IS NULL"
    parts = {
        "nulls": f"count(*) - count({quoted})",
        "distinct": f"approx_count_distinct({quoted})",
        "min": f"min({shown})",
        "max": f"max({shown})",
        "quantiles": "NULL" if type in (TEXT, "BOOLEAN") else f"approx_quantile({quoted}, {list(_QUANTILES)})",
        "formulas": f"count(*) FILTER ({is_formula})" if type == TEXT else "0",
    }
    return "{" + ", ".join(f"'{key}': {part}" for key, part in parts.items()) + "}"


def _column(column: str, type: str, found: Mapping[str, Any]) -> dict[str, Any]:
    described = {"name": column, "type": type.lower() if type != TEXT else "text", "nulls": found["nulls"]}
    described["distinct"] = found["distinct"]
    if found["min"] is not None:
        described |= {"min": _json_value(found["min"]), "max": _json_value(found["max"])}
    if found["quantiles"]:
        described["quantiles"] = [_json_value(value) for value in found["quantiles"]]
    return described


def _json_value(value: Any) -> Any:
    """A value that JSON and DynamoDB hold exactly: numbers that they do not hold are texts."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and (not math.isfinite(value) or (value and not 1e-100 < abs(value) < 1e100)):
        return str(value)
    if isinstance(value, int) and abs(value) > _LARGEST_EXACT:
        return str(value)
    return value
