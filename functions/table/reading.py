"""Reads plain tables with DuckDB, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from functions.shared.delimited import MAX_ROW_CHARACTERS
from functions.table.plain import PlainTable
from functions.table.quarantine import MAX_VALUE_CHARACTERS, Misfit

Item = TypeVar("Item")

TEXT = "VARCHAR"

# Memory of the function beside DuckDB's buffers: Python, the libraries, and what DuckDB does not count.
_OTHER_MB = 224
_LEAST_MB = 96
# What is buffered of a row group is every column of its rows; DuckDB's own default is 122,880 rows.
_CELLS_PER_ROW_GROUP = 1_000_000
_BYTES_PER_ROW_GROUP = 16 << 20
# A character has at most four bytes in UTF-8; a number in JSON or a quote may be longer as it is written here.
_MAX_LINE_BYTES = 8 * MAX_ROW_CHARACTERS
# Of these types, DuckDB would also take values that it changes: 1.5, a date with a time, a time with an offset.
_UNCHANGED = {
    "BIGINT": r"\s*[-+]?\d+\s*",
    "DATE": r"\s*\d{4}-\d{1,2}-\d{1,2}\s*",
    "TIMESTAMP": r"\s*\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?Z?)?\s*",
}
# No column has this name, because the names of columns begin with no space.
_LINE = " line"


def connect(folder: Path, memory_mb: int) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, which reads and writes in one folder and has no access to the network.

    Args:
        folder: for its files, also those that do not fit in memory.
        memory_mb: the function's memory.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": "1",
        "memory_limit": f"{max(memory_mb - _OTHER_MB, _LEAST_MB)}MiB",
        "temp_directory": str(folder / "spilled"),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute(f"SET allowed_directories = [{text(str(folder))}]")
    return connection.execute("SET enable_external_access = false")


def source(table: PlainTable) -> str:
    """The SQL of a table's rows, in which every value is text."""
    columns = {_LINE: "BIGINT"} if table.numbers_lines else {}
    declared = ", ".join(
        f"{text(name)}: {text(type)}" for name, type in (columns | dict.fromkeys(table.columns, TEXT)).items()
    )
    return (
        f"read_csv({text(str(table.path))}, auto_detect = false, header = false, delim = {text(table.delimiter)}, "
        f"""quote = '"', escape = '"', new_line = '\\n', columns = {{{declared}}}, """
        f"buffer_size = {_MAX_LINE_BYTES}, max_line_size = {_MAX_LINE_BYTES})"
    )


def write_parquet(
    connection: duckdb.DuckDBPyConnection, table: PlainTable, types: Mapping[str, str], path: Path
) -> int:
    """Write the rows whose values have these types as Parquet, and return their number."""
    cells = max(_CELLS_PER_ROW_GROUP // len(table.columns), 2048)
    rows_per_group = max(1, min(cells, _BYTES_PER_ROW_GROUP * table.rows // max(1, table.path.stat().st_size)))
    values = ", ".join(
        name(column) if types[column] == TEXT else f"TRY_CAST({name(column)} AS {types[column]}) AS {name(column)}"
        for column in table.columns
    )
    # Without a schema, the types are those that all values have.
    misfits = _misfits(table, types).values() if table.numbers_lines else ()
    condition = f"WHERE NOT ({' OR '.join(misfits)})" if misfits else ""
    written = connection.execute(
        f"COPY (SELECT {values} FROM {source(table)} {condition}) TO {text(str(path))} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {rows_per_group})"
    ).fetchone()
    return written[0] if written else 0


def misfits(connection: duckdb.DuckDBPyConnection, table: PlainTable, types: Mapping[str, str]) -> Iterator[Misfit]:
    """The values of a table with numbered lines that do not have these types, in the order of their lines."""
    tests = _misfits(table, types)
    values = ", ".join(
        f"CASE WHEN {test} THEN left({name(column)}, {MAX_VALUE_CHARACTERS}) END" for column, test in tests.items()
    )
    rows = f"SELECT {name(_LINE)}, [{values}] FROM {source(table)} WHERE {' OR '.join(tests.values())}"
    for line, found in _each(connection.execute(rows)):
        for column, value in zip(tests, found, strict=True):
            if value is not None:
                reason = f"The value is not of the type {types[column].lower()}."
                yield Misfit(line=line, column=column, value=value, reason=reason)


def _misfits(table: PlainTable, types: Mapping[str, str]) -> dict[str, str]:
    """For each column that is not text, an SQL condition that is true for values of another type."""
    return {column: _is_misfit(name(column), types[column]) for column in table.columns if types[column] != TEXT}


def _is_misfit(value: str, type: str) -> str:
    tests = [f"TRY_CAST({value} AS {type}) IS NULL"]
    if type in _UNCHANGED:
        tests.append(f"NOT regexp_full_match({value}, {text(_UNCHANGED[type])})")
    return f"({value} IS NOT NULL AND ({' OR '.join(tests)}))"


def _each(result: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while rows := result.fetchmany(1000):
        yield from rows


def batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items, at most `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def name(identifier: str) -> str:
    """An identifier in SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"
