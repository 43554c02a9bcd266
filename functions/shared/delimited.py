"""How a text is divided into columns: its delimiter, and the names in its first line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

DELIMITERS = ",;\t|"
JSON_LINES = "json"
"""The `delimiter` of a text with one JSON object in each line."""

MAX_ROW_CHARACTERS = 1 << 20
"""The length of the longest row."""
MAX_NAME_CHARACTERS = 255
"""The length of the longest name of a column, without what makes it unique; longer ones are cut."""

NO_JSON = "The line is not valid JSON."
NO_OBJECT = "The line is not a JSON object."
NO_TEXT = "The line has half of a surrogate pair, which is no character."

# The csv module's own limit is 131,072 characters.
csv.field_size_limit(MAX_ROW_CHARACTERS + 1)

# Cells that are values, not names of columns: numbers, dates, times. The first digit can be found in one way only, so
# that the time for a long cell is linear.
_VALUE = re.compile(r"\s*|[-+]?[.,:/ -]*\d[\d.,:/ %€$-]*|true|false", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a text is divided into columns.

    Args:
        delimiter: one of `DELIMITERS`, or `JSON_LINES`.
        has_header: whether the first line holds the names of the columns.
        columns: unique names, also without regard to case.
    """

    delimiter: str
    has_header: bool
    columns: tuple[str, ...]


def delimited_layout(start: str) -> Layout | None:
    r"""The layout of a delimited text; None if it is empty.

    The delimiter is the one by which most rows have as many columns as the first. The first row is a header unless one
    of its cells is empty or a number, a date or the like.

    Args:
        start: its first rows, with lines that end in ``\n``.
    """
    tables = {delimiter: list(_rows(start, delimiter)) for delimiter in DELIMITERS}
    delimiter, rows = max(tables.items(), key=lambda table: _fitness(table[1]))
    if not rows:
        return None
    has_header = not any(_VALUE.fullmatch(cell) for cell in rows[0])
    names = rows[0] if has_header else [""] * len(rows[0])
    return Layout(delimiter=delimiter, has_header=has_header, columns=unique_names(names))


def has_closed_quotes(start: str, delimiter: str) -> bool:
    """Whether the quotes in the first row are closed, and no text follows them."""
    try:
        next(filter(None, csv.reader(io.StringIO(start, newline="\n"), delimiter=delimiter, strict=True)), None)
    except csv.Error:
        return False
    return True


def json_layout(start: str) -> Layout | None:
    """The layout of JSON Lines: the keys of the first lines; None if the first is not an object."""
    names: dict[str, None] = {}
    for number, line in enumerate(filter(str.strip, start.split("\n"))):
        row = json_object(line)
        if isinstance(row, dict):
            names |= dict.fromkeys(row)
        elif number == 0 and row != NO_TEXT:
            return None
    return Layout(delimiter=JSON_LINES, has_header=False, columns=tuple(names)) if names else None


def json_object(line: str) -> dict[str, Any] | str:
    """The JSON object in a line; or why there is none: `NO_JSON`, `NO_OBJECT` or `NO_TEXT`."""
    try:
        row = json.loads(line)
        if not isinstance(row, dict):
            return NO_OBJECT
        if "\\u" in line:
            json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return NO_TEXT
    except (ValueError, RecursionError):
        return NO_JSON
    return row


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns: `column3` for an empty third name, and `total_2` for a second `total`."""
    unique: dict[str, str] = {}
    last_suffixes: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        wanted = base = name.strip()[:MAX_NAME_CHARACTERS] or f"column{number}"
        suffix = last_suffixes.get(base.lower(), 1)
        while wanted.lower() in unique:
            suffix += 1
            wanted = f"{base}_{suffix}"
        last_suffixes[base.lower()] = suffix
        unique[wanted.lower()] = wanted
    return tuple(unique.values())


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """The rows before the first that cannot be parsed, without empty ones."""
    try:
        yield from filter(None, csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter))
    except csv.Error:
        return


def _fitness(rows: Sequence[Sequence[str]]) -> tuple[float, int]:
    """(share of the rows that have as many columns as the first, number of columns), if that is more than one."""
    width = len(rows[0]) if rows else 0
    if width < 2:
        return (0, width)
    return (sum(len(row) == width for row in rows) / len(rows), width)
