"""Reads plain tables with DuckDB, in bounded memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import tee
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from functions.table.plain import PlainTable
from functions.table.quarantine import Misfit, Quarantine

Item = TypeVar("Item")

# Memory of the function beside DuckDB's buffers: Python, the libraries, and what DuckDB does not count.
_OTHER_MB = 224
_LEAST_MB = 96
# What is buffered of a row group is every column of its rows; DuckDB's own default is 122,880 rows.
_CELLS_PER_ROW_GROUP = 1_000_000
_BUFFER_BYTES = 8 << 20
_MAX_LINE_BYTES = 2 << 20

_REJECTS = """
SELECT line, line_byte_position, column_name, error_type, csv_line, column_idx
FROM reject_errors ORDER BY line, column_idx
"""
_REASONS = {
    "MISSING COLUMNS": "The row has too few columns.",
    "TOO MANY COLUMNS": "The row has too many columns.",
    "UNQUOTED VALUE": "A quote is not closed, or text follows it.",
    "LINE SIZE OVER MAXIMUM": f"The row is longer than {_MAX_LINE_BYTES:,} bytes.",
    "INVALID ENCODING": "The row is not valid UTF-8.",
    "INVALID STATE": "The quotes of the row are invalid.",
}


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


def source(table: PlainTable, types: Mapping[str, str], *, keeps_rejects: bool) -> str:
    """The SQL of a table's rows.

    Args:
        table: the table.
        types: DuckDB's types by the columns' names.
        keeps_rejects: whether the rows that do not fit are kept, for `quarantine_rejects`.
    """
    columns = ", ".join(f"{text(name)}: {text(types[name])}" for name in table.columns)
    rejects = "store_rejects = true" if keeps_rejects else "ignore_errors = true"
    return (
        f"read_csv({text(str(table.path))}, auto_detect = false, header = false, delim = {text(table.delimiter)}, "
        f"""quote = '"', escape = '"', new_line = '\\n', columns = {{{columns}}}, """
        f"buffer_size = {_BUFFER_BYTES}, max_line_size = {_MAX_LINE_BYTES}, {rejects})"
    )


def write_parquet(
    connection: duckdb.DuckDBPyConnection, table: PlainTable, types: Mapping[str, str], path: Path
) -> int:
    """Write the rows that fit as Parquet, and return their number."""
    rows_per_group = max(_CELLS_PER_ROW_GROUP // len(table.columns), 2048)
    rows = source(table, types, keeps_rejects=True)
    written = connection.execute(
        f"COPY (SELECT * FROM {rows}) TO {text(str(path))} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {rows_per_group})"
    ).fetchone()
    return written[0] if written else 0


def quarantine_rejects(
    connection: duckdb.DuckDBPyConnection, table: PlainTable, types: Mapping[str, str], quarantine: Quarantine
) -> None:
    """Add the rows that `write_parquet` did not write to the quarantine."""
    rejects, positions = tee(_each(connection.execute(_REJECTS)))
    lines = table.lines_of((number, position) for number, position, *_ in positions)
    for line, (_, _, column, error, row, index) in zip(lines, rejects, strict=True):
        blank_lines = len(row) - len(row.lstrip("\n")) if table.omitted is None else 0
        value, reason = row.strip("\n"), _REASONS.get(error, f"The row cannot be read ({error.lower()}).")
        if error == "CAST":
            value = _cell(row, table.delimiter, index)
            reason = f"The value is not of the type {types[column].lower()}."
        quarantine.add(Misfit(line=line + blank_lines, column=column or "", value=value, reason=reason))


def _each(result: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while rows := result.fetchmany(1000):
        yield from rows


def _cell(row: str, delimiter: str, index: int) -> str:
    cells = next(filter(None, csv.reader(io.StringIO(row, newline="\n"), delimiter=delimiter)), [])
    return cells[index - 1] if index <= len(cells) else row


def batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items, at most `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def name(identifier: str) -> str:
    """An identifier in SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"
