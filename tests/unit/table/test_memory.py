"""A table is converted in the memory that the settings demand, whatever its size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

from components.settings.declared import transform_settings
from contract.memory import needed_mb


def test_a_table_of_many_rows_or_columns_fits_the_memory_that_the_settings_demand(tmp_path: Path) -> None:
    for columns, rows in ((4, 700_000), (200, 3000)):
        path = tmp_path / f"{columns}.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write(",".join(f"column {number}" for number in range(columns)) + "\n")
            file.writelines(
                ",".join(f"text {row * number}" if number % 2 else str(row) for number in range(columns)) + "\n"
                for row in range(rows)
            )
        assert_fits(path, rows)


def test_a_row_with_hundreds_of_thousands_of_cells_too_many_takes_no_more_memory(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("a,b\n" + "1,2\n" * 100 + "x," * 400_000 + "\n" + "1,2\n" * 100, encoding="utf-8")
    assert_fits(path, rows=200)


def test_long_rows_take_no_more_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    random = Random(1)  # noqa: S311 - the same rows each time
    letters = "".join(random.choices("abcdefgh ", k=200_000))
    with path.open("w", encoding="utf-8") as file:
        file.write("id,text\n")
        for number in range(1500):
            start = random.randrange(100_000)
            file.write(f"{number},{letters[start : start + 100_000]}\n")
    assert_fits(path, rows=1500)


def assert_fits(path: Path, rows: int) -> None:
    """Convert a file with a limit on memory that the settings demand, to so many rows."""
    declared = transform_settings("table").memory_bytes_per
    assert declared is not None
    least = needed_mb(max_bytes=0, limits={"maxColumns": 200}, bytes_per=declared)
    command = [sys.executable, "-m", "tests.unit.table.limited", str(path), str(least)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert finished.returncode == 0, finished.stderr[-1000:]
    result = json.loads(finished.stdout)
    assert (result["outcome"], result["rows"]) == ("COMPLETED", rows)
    assert result["peakMb"] < least
