"""The table's step with Python's csv module: all rows in memory, types by trying; it writes a CSV, not Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

from bench.peers import steps


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _table(path: Path, folder: Path) -> None:
    with path.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    profile = []
    for name in rows[0]:
        values = [row[name] for row in rows]
        numbers = [_number(value) for value in values]
        is_number = None not in numbers
        shown = [number for number in numbers if number is not None] if is_number else values
        profile.append({"name": name, "distinct": len(set(values)), "min": min(shown), "max": max(shown)})
    (folder / "profile.json").write_text(json.dumps(profile), encoding="utf-8")
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as written:
        writer = csv.DictWriter(written, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


STEPS: dict[str, Callable[[Path, Path], None]] = {steps.TABLE: _table}
