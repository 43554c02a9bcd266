r"""Separates the rows of a delimited text: those with as many cells as the table has columns, and the others.

DuckDB reports only a part of the rows that do not fit where they are many, and holds a copy of a row for each cell that
is too many. So it gets rows that fit only.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import TextIO

from functions.shared.delimited import MAX_ROW_CHARACTERS
from functions.table.quarantine import Misfit, Quarantine

TOO_LONG = f"The row is longer than {MAX_ROW_CHARACTERS:,} characters."
_TOO_FEW = "The row has too few columns."
_TOO_MANY = "The row has too many columns."
_QUOTES = "A quote is not closed, or text follows it."

# Half of the longest row, so that only a block with a long row can be longer than that.
_PIECE_CHARACTERS = MAX_ROW_CHARACTERS // 2
# In place of what is between quotes. No delimited text that validate accepts has this character.
_QUOTED = "\0"


def short_lines(text: Iterator[str]) -> Iterator[str]:
    """The text in small pieces, without what its lines have beyond `MAX_ROW_CHARACTERS` + 1 characters."""
    length = 0
    for large in text:
        for start in range(0, len(large), _PIECE_CHARACTERS):
            first, line_break, others = large[start : start + _PIECE_CHARACTERS].partition("\n")
            yield first[: max(0, MAX_ROW_CHARACTERS + 1 - length)] + line_break + others
            length = len(others) - others.rfind("\n") - 1 if line_break else length + len(first)


class FittingRows:
    """Writes the rows of a delimited text that fit, and quarantines the others.

    Quotes are those of RFC 4180: a cell that begins with a quote ends with the next that is not doubled. Of a row whose
    quotes are invalid, the first line does not fit, and the next begins another row.

    Args:
        file: gets the rows, with the same delimiter.
        delimiter: one character.
        columns: their names.
        line: the line in which the first row begins, from 1.
        numbers_lines: whether the line in which a row begins is written as its first cell.
        quarantine: gets the other rows.

    Attributes:
        rows: the number of rows written.
    """

    def __init__(
        self,
        file: TextIO,
        *,
        delimiter: str,
        columns: Sequence[str],
        line: int,
        numbers_lines: bool,
        quarantine: Quarantine,
    ) -> None:
        self.rows = 0
        self._file = file
        self._writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        self._delimiter = delimiter
        self._columns = columns
        self._line = line
        self._numbers_lines = numbers_lines
        self._quarantine = quarantine

    def write(self, text: Iterator[str]) -> None:
        r"""Write all rows.

        Args:
            text: in pieces, with lines that end in ``\n``.
        """
        left = ""
        for piece in short_lines(text):
            block = left + piece
            end = _end_of_rows(block)
            if len(block) - end > MAX_ROW_CHARACTERS:
                end = block.rfind("\n") + 1
            left = self._write_block(block[:end]) + block[end:]
            if self._quarantine.is_full:
                return
        if left:
            self._write_each(left.removesuffix("\n") + "\n", is_last=True)

    def _write_block(self, block: str) -> str:
        """Write whole lines, and return those of the last row if it is not complete."""
        return "" if self._write_unchanged(block) else self._write_each(block, is_last=False)

    def _write_unchanged(self, block: str) -> bool:
        """Write whole rows at once, unless one of them does not fit or needs a closer look."""
        outline = _outline(block, self._delimiter)
        if outline is None or len(block) > MAX_ROW_CHARACTERS:
            return False
        rows, count = outline.split("\n")[:-1], block.count("\n")
        if set(map(str.count, rows, repeat(self._delimiter))) != {len(self._columns) - 1} or "" in rows:
            return False
        if self._numbers_lines:
            if len(rows) != count:
                return False
            lines = enumerate(block.split("\n")[:-1], start=self._line)
            block = "".join(f"{number}{self._delimiter}{line}\n" for number, line in lines)
        self._file.write(block)
        self.rows += len(rows)
        self._line += count
        return True

    def _write_each(self, block: str, *, is_last: bool) -> str:
        """Write whole lines row by row; returns as `_write_block`, except for the last lines."""
        lines = _Lines(block)
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        while lines.begin_row():
            try:
                cells = next(reader)
            except csv.Error:
                if lines.have_ended and not is_last:
                    return lines.rest()
                line = lines.only_first().removesuffix("\n")
                reason = TOO_LONG if len(line) > MAX_ROW_CHARACTERS else _QUOTES
                self._quarantine.add(Misfit(line=self._line, column="", value=line, reason=reason))
            else:
                self._write_row(cells, lines)
            self._line += len(lines.row)
        return ""

    def _write_row(self, cells: list[str], lines: _Lines) -> None:
        width = len(self._columns)
        if not cells:
            if width > 1:
                return  # a blank line
            cells = [""]
        if cells[width:] == [""]:
            cells.pop()
        if len(cells) == width:
            self._writer.writerow([self._line, *cells] if self._numbers_lines else cells)
            self.rows += 1
            return
        column, reason = ("", _TOO_MANY) if len(cells) > width else (self._columns[len(cells)], _TOO_FEW)
        value = "".join(lines.row).strip("\n")
        self._quarantine.add(Misfit(line=self._line, column=column, value=value, reason=reason))


class _Lines:
    """Lines for a csv.reader, which can be read again.

    Args:
        block: whole lines.

    Attributes:
        have_ended: whether the present row was not complete after the last line.
    """

    def __init__(self, block: str) -> None:
        self._lines = [line + "\n" for line in block.split("\n")[:-1]]
        self._start = self._end = 0
        self._characters = 0
        self.have_ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._end == len(self._lines):
            self.have_ended = True
            raise StopIteration
        line = self._lines[self._end]
        self._end += 1
        self._characters += len(line)
        if self._characters > MAX_ROW_CHARACTERS + 1:
            raise csv.Error(TOO_LONG)
        return line

    def begin_row(self) -> bool:
        """Whether there is another row."""
        self._start, self._characters, self.have_ended = self._end, 0, False
        return self._start < len(self._lines)

    def only_first(self) -> str:
        """The first line of the present row, which ends there."""
        self._end = self._start + 1
        return self._lines[self._start]

    @property
    def row(self) -> Sequence[str]:
        """The lines of the present row."""
        return self._lines[self._start : self._end]

    def rest(self) -> str:
        """The lines from the present row on."""
        return "".join(self._lines[self._start :])


def _end_of_rows(block: str) -> int:
    """The position after the last line break that is not between quotes, 0 without one; the block begins a row."""
    parts = block.split('"')
    for index in range((len(parts) - 1) // 2 * 2, -1, -2):
        position = parts[index].rfind("\n")
        if position >= 0:
            return sum(map(len, parts[:index])) + index + position + 1
    return 0


def _outline(block: str, delimiter: str) -> str | None:
    """Whole rows with a mark for each quoted cell; None if there are quotes elsewhere than around cells."""
    if '"' not in block:
        return block
    parts = block.split('"')
    if len(parts) % 2 == 0:
        return None
    outline = _QUOTED.join(parts[::2])
    while _QUOTED * 2 in outline:  # for doubled quotes
        outline = outline.replace(_QUOTED * 2, _QUOTED)
    marks = outline.count(_QUOTED)
    starts = outline.startswith(_QUOTED) + sum(outline.count(before + _QUOTED) for before in (delimiter, "\n"))
    ends = sum(outline.count(_QUOTED + after) for after in (delimiter, "\n"))
    return outline if starts == marks == ends else None
