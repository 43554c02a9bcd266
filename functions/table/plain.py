r"""Writes the rows of a table that fit as the plain text that DuckDB reads: in UTF-8, with lines that end in ``\n``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from functions.shared.delimited import JSON_LINES, MAX_ROW_CHARACTERS, NO_JSON, json_layout, json_object, unique_names
from functions.shared.text import START_BYTES, decoded, first_lines, pieces
from functions.table.fitting import TOO_LONG, FittingRows, short_lines
from functions.table.quarantine import Misfit, Quarantine

_SHOWN_KEY_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True)
class PlainTable:
    """The rows of a table in a text file, without its header, each with a cell for each column.

    Args:
        path: the file.
        delimiter: one character.
        columns: unique names.
        rows: their number.
        numbers_lines: whether the first cell of each row is its line in the uploaded file, beside those of the columns.
    """

    path: Path
    delimiter: str
    columns: tuple[str, ...]
    rows: int
    numbers_lines: bool


def write_plain(
    body: BinaryIO, measures: Mapping[str, Any], path: Path, quarantine: Quarantine, *, numbers_lines: bool
) -> PlainTable:
    """Write the rows of a table that validate accepted.

    Args:
        body: the file, which is read once.
        measures: what validate measured.
        path: the file to write.
        quarantine: gets the rows that have other columns than the table; if it is full, some rows are not read.
        numbers_lines: as for `PlainTable`.
    """
    content = pieces(body, measures["compression"])
    with path.open("w", encoding="utf-8", newline="") as file:
        if measures["delimiter"] == JSON_LINES:
            columns, rows = _write_json(content, measures["encoding"], file, quarantine, numbers_lines=numbers_lines)
            delimiter = ","
        else:
            text, delimiter = decoded(content, measures["encoding"]), measures["delimiter"]
            start = _start(text)
            header = csv.reader(start, delimiter=delimiter)
            names = next(filter(None, header), []) if measures["header"] else [""] * measures["columns"]
            columns = unique_names(names)
            fitting = FittingRows(
                file,
                delimiter=delimiter,
                columns=columns,
                line=header.line_num + 1,
                numbers_lines=numbers_lines,
                quarantine=quarantine,
            )
            fitting.write(chain([start.read()], text))
            rows = fitting.rows
    return PlainTable(path=path, delimiter=delimiter, columns=columns, rows=rows, numbers_lines=numbers_lines)


def _peek(content: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """At least one of the bytes after the first START_BYTES with all before it, if there are any; and all bytes."""
    start = b""
    while len(start) <= START_BYTES and (piece := next(content, b"")):
        start += piece
    return start, chain([start], content)


def _start(text: Iterator[str]) -> io.StringIO:
    """The first characters, enough for a header."""
    start = io.StringIO(newline="\n")
    while start.tell() < START_BYTES and (piece := next(text, "")):
        start.write(piece)
    start.seek(0)
    return start


def _lines(text: Iterator[str]) -> Iterator[str]:
    """The lines, without their ends."""
    left = ""
    for piece in text:
        *lines, left = (left + piece).split("\n")
        yield from lines
    if left:
        yield left


def _write_json(
    content: Iterator[bytes], encoding: str, file: TextIO, quarantine: Quarantine, *, numbers_lines: bool
) -> tuple[tuple[str, ...], int]:
    """Write JSON Lines as CSV, a row for each object; returns the names of the columns and the number of rows."""
    start, content = _peek(content)
    layout = json_layout(first_lines(start[:START_BYTES], encoding, is_cut=len(start) > START_BYTES))
    keys = layout.columns if layout else ()
    plain = csv.writer(file, lineterminator="\n")
    # Before Python 3.13, the csv module quotes a carriage return only where it quotes all cells.
    quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    rows = 0
    for number, line in enumerate(_lines(short_lines(decoded(content, encoding))), start=1):
        cells = _cells(line, keys) if line.strip() else ""
        if isinstance(cells, list):
            writer = quoted if any("\r" in cell for cell in cells) else plain
            writer.writerow([number, *cells] if numbers_lines else cells)
            rows += 1
        elif cells:
            quarantine.add(Misfit(line=number, column="", value=line, reason=cells))
            if quarantine.is_full:
                break
    return unique_names(keys), rows


def _cells(line: str, keys: Sequence[str]) -> list[str] | str:
    """The values of a JSON object as text, in the order of the keys; or why the line is no row."""
    if len(line) > MAX_ROW_CHARACTERS:
        return TOO_LONG
    row = json_object(line)
    if isinstance(row, str):
        return row
    if unknown := row.keys() - set(keys):
        shown = min(unknown)[:_SHOWN_KEY_CHARACTERS]
        return f"The object has the key {shown}, which no object in the first {START_BYTES:,} bytes has."
    try:
        return [_as_text(row.get(key)) for key in keys]
    except RecursionError:
        return NO_JSON


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
