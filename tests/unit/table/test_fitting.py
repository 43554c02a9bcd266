"""Rows are separated in the same way wherever the text is divided into pieces, and DuckDB reads them as csv does."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.table import fitting
from functions.table.fitting import FittingRows
from functions.table.plain import PlainTable
from functions.table.quarantine import Quarantine
from functions.table.reading import connect, source

TEXTS = st.sampled_from(['ab,"\n', 'a,"\n"', "a,\n", 'ab,"\n ;é']).flatmap(
    lambda letters: st.text(letters, max_size=80)
)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(1, 9), st.integers(1, 3), st.booleans(), st.sampled_from([20, 1000]))
def test_the_rows_do_not_depend_on_how_the_text_is_divided(
    text: str, piece: int, columns: int, numbered: bool, longest: int
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "MAX_ROW_CHARACTERS", longest)
        whole = separated([text], Path(folder, "whole"), columns, numbered=numbered)
        patch.setattr(fitting, "_PIECE_CHARACTERS", piece)
        parts = [text[start : start + 7] for start in range(0, len(text), 7)]
        assert separated(parts, Path(folder, "parts"), columns, numbered=numbered) == whole
    rows, _ = whole
    assert {len(row) for row in rows} <= {columns + numbered}


@settings(max_examples=25, deadline=None)
@given(TEXTS, st.integers(1, 3))
def test_duckdb_reads_the_rows_that_csv_reads(text: str, columns: int) -> None:
    with TemporaryDirectory() as folder, connect(Path(folder), 512) as connection:
        path = Path(folder, "rows")
        rows, _ = separated([text], path, columns, numbered=False)
        names = tuple(f"c{number}" for number in range(columns))
        table = PlainTable(path=path, delimiter=",", columns=names, rows=len(rows), numbers_lines=False)
        found = connection.execute(f"FROM {source(table)}").fetchall()
    assert found == [tuple(cell or None for cell in row) for row in rows]


def separated(parts: Sequence[str], path: Path, columns: int, *, numbered: bool) -> tuple[list[list[str]], list[str]]:
    """The rows that fit, and the lines of the quarantine, of which long values may be cut in different places."""
    quarantined = path.with_suffix(".jsonl")
    with Quarantine(quarantined, most_rows=1000) as quarantine, path.open("w", encoding="utf-8", newline="") as file:
        names = [f"c{number}" for number in range(columns)]
        rows = FittingRows(file, delimiter=",", columns=names, line=2, numbers_lines=numbered, quarantine=quarantine)
        rows.write(iter(parts))
    found = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="\n")))
    assert len(found) == rows.rows
    lines = quarantined.read_text(encoding="utf-8").splitlines()
    return found, [line.partition(', "value"')[0] + line.rpartition(', "reason"')[2] for line in lines]
