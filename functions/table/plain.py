r"""Writes the rows of a table as the plain text that DuckDB reads: in UTF-8, with lines that end in ``\n``."""

from __future__ import annotations

import csv
import io
import json
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from functions.shared.delimited import JSON_LINES, json_layout, unique_names
from functions.shared.text import START_BYTES, decoded, pieces
from functions.table.quarantine import Misfit, Quarantine

# The objects whose keys are the columns.
_FIRST_OBJECTS = 1000


@dataclass(frozen=True, kw_only=True)
class PlainTable:
    """The rows of a table in a text file, without its header.

    Args:
        path: the file.
        delimiter: one character.
        columns: unique names.
        header_lines: the number of lines before the first row.
        omitted: for JSON Lines, how many rows come before each line that is no row; None for other tables.
    """

    path: Path
    delimiter: str
    columns: tuple[str, ...]
    header_lines: int = 0
    omitted: Sequence[int] | None = None

    def lines_of(self, rows: Iterable[tuple[int, int]]) -> Iterator[int]:
        """The line of the uploaded file in which each row begins.

        Args:
            rows: (number from 1, position in bytes), in order.
        """
        if self.omitted is not None:
            yield from (number + bisect_left(self.omitted, number) for number, _ in rows)
            return
        with self.path.open("rb") as file:
            line = self.header_lines + 1
            for _, position in rows:
                line += file.read(position - file.tell()).count(b"\n")
                yield line


def write_plain(body: BinaryIO, measures: Mapping[str, Any], path: Path, quarantine: Quarantine) -> PlainTable:
    """Write the rows of a table that validate accepted.

    Args:
        body: the file, which is read once.
        measures: what validate measured.
        path: the file to write.
        quarantine: gets the lines of JSON Lines that are not objects with the table's columns.
    """
    text = decoded(pieces(body, measures["compression"]), measures["encoding"])
    with path.open("w", encoding="utf-8", newline="") as file:
        if measures["delimiter"] == JSON_LINES:
            return _write_objects(_lines(text), path, file, quarantine)
        start = _start(text)
        rows = csv.reader(start, delimiter=measures["delimiter"])
        names = next(filter(None, rows), []) if measures["header"] else [""] * measures["columns"]
        file.write(start.read())
        file.writelines(text)
    columns = unique_names(names)
    return PlainTable(path=path, delimiter=measures["delimiter"], columns=columns, header_lines=rows.line_num)


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


def _write_objects(lines: Iterator[str], path: Path, file: TextIO, quarantine: Quarantine) -> PlainTable:
    """Write JSON Lines as CSV, a row for each object."""
    first = list(islice(lines, _FIRST_OBJECTS))
    layout = json_layout("\n".join(first))
    keys = layout.columns if layout else ()
    rows = csv.writer(file, lineterminator="\n")
    written, omitted = 0, array("Q")
    for number, line in enumerate(chain(first, lines), start=1):
        cells = _cells(line, keys) if line.strip() else ""
        if isinstance(cells, list):
            rows.writerow(cells)
            written += 1
            continue
        omitted.append(written)
        if cells:
            quarantine.add(Misfit(line=number, column="", value=line, reason=cells))
    return PlainTable(path=path, delimiter=",", columns=unique_names(keys), omitted=omitted)


def _cells(line: str, keys: Sequence[str]) -> list[str] | str:
    """The values of a JSON object as text, in the order of the keys; or why the line is no row."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return "The line is not valid JSON."
    if not isinstance(row, dict):
        return "The line is not a JSON object."
    if unknown := row.keys() - set(keys):
        return f"The object has the key {min(unknown)}, which no object of the first {_FIRST_OBJECTS:,} has."
    return [_as_text(row.get(key)) for key in keys]


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
