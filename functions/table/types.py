"""Determines the type of each column: the narrowest that all of its values have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from functions.table.plain import PlainTable
from functions.table.reading import TEXT, batches, name, source, text

_SAMPLE_ROWS = 20_480
# Each needs memory for some vectors of 2,048 values.
_TESTS_PER_QUERY = 100
# A number that starts with zero is an identifier, such as a postal code, and one with more digits would lose some.
_PATTERNS = {
    "BOOLEAN": "(?i)true|false",
    "BIGINT": r"-?(0|[1-9]\d{0,17})",
    "DOUBLE": r"-?(0|[1-9]\d{0,14})(\.\d+)?([eE][-+]?\d{1,2})?",
    "DATE": r"\d{4}-\d{2}-\d{2}",
    "TIMESTAMP": r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?Z?",
}


def text_columns(table: PlainTable) -> dict[str, str]:
    """Every column as text."""
    return dict.fromkeys(table.columns, TEXT)


def column_types(connection: duckdb.DuckDBPyConnection, table: PlainTable) -> dict[str, str]:
    """The type of each column: that of its first values, if all values have it.

    If they do not, it is DOUBLE for a column of numbers, else text.
    """
    rows = source(table)
    guessed = _fitting(
        connection, f"(FROM {rows} LIMIT {_SAMPLE_ROWS})", {column: tuple(_PATTERNS) for column in table.columns}
    )
    candidates = {
        column: ["BIGINT", "DOUBLE"] if type == "BIGINT" else [type] for column, type in guessed.items() if type != TEXT
    }
    return text_columns(table) | (_fitting(connection, rows, candidates) if candidates else {})


def _fitting(
    connection: duckdb.DuckDBPyConnection, rows: str, candidates: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """The first of each column's candidates that all values have; TEXT if there is none, or no values."""
    pairs = [(column, type) for column, types in candidates.items() for type in types]
    fitting = []
    for some in batches(pairs, _TESTS_PER_QUERY):
        tests = ", ".join(_all_are(name(column), type) for column, type in some)
        answers = connection.execute(f"SELECT {tests} FROM {rows}").fetchone() or ()
        fitting += [pair for pair, fits in zip(some, answers, strict=True) if fits]
    return {column: next((type for each, type in fitting if each == column), TEXT) for column in candidates}


def _all_are(column: str, type: str) -> str:
    """Whether all values of a column have a type; NULL without values."""
    is_of_type = f"regexp_full_match({column}, {text(_PATTERNS[type])}) AND TRY_CAST({column} AS {type}) IS NOT NULL"
    return f"bool_and({is_of_type}) FILTER ({column} IS NOT NULL)"
