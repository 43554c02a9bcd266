"""The table's step with DuckDB's own command: converted and profiled, without validation, quarantine or formulas."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.peers import steps

RUNS_COMMANDS = True
COMMAND = Path(sys.executable).with_name("duckdb")


def _table(path: Path, folder: Path) -> None:
    parquet = folder / "table.parquet"
    sql = (
        f"COPY (SELECT * FROM read_csv('{path}')) TO '{parquet}' (FORMAT parquet);"  # noqa: S608 - our own files
        f"COPY (FROM (SUMMARIZE SELECT * FROM '{parquet}')) TO '{folder / 'profile.json'}' (FORMAT json);"
    )
    subprocess.run([str(COMMAND), "-c", sql], check=True, capture_output=True)  # noqa: S603


STEPS: dict[str, Callable[[Path, Path], None]] = {steps.TABLE: _table}
