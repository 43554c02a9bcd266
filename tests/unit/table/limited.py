"""Converts a file with a hard limit on memory: python -m tests.unit.table.limited FILE MEGABYTES.

Linux counts all private writable memory against RLIMIT_DATA, used or not, so this limit is stricter than Lambda's on
resident memory. Prints {outcome, rows, peakMb, cpuSeconds}.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from functions.shared.reasons import Rejection
from functions.table.settings import Schema
from functions.table.tabulating import tabulate
from functions.validate.table import measure
from testing.memory import peak_mb

LIMITS = {"maxBytes": 1 << 31, "maxRows": 1 << 30, "maxColumns": 1000, "minColumns": 2}
SCHEMA = Schema(prefix="", types={}, tolerated_percent=5, rejects_formulas=False)


def main(file: str, megabytes: str) -> None:
    """Validate, convert, and print."""
    resource.setrlimit(resource.RLIMIT_DATA, (int(megabytes) << 20, int(megabytes) << 20))
    print(json.dumps(_result(Path(file), int(megabytes))))


def _result(path: Path, megabytes: int) -> dict[str, Any]:
    with path.open("rb") as body:
        found = measure(body, "text/csv", LIMITS)
    if isinstance(found, Rejection):
        return {"outcome": found.code}
    with path.open("rb") as body, tempfile.TemporaryDirectory() as folder:
        table = tabulate(body, vars(found.measures), SCHEMA, Path(folder), megabytes)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "outcome": table.code if isinstance(table, Rejection) else "COMPLETED",
        "rows": 0 if isinstance(table, Rejection) else table.record["rowCount"],
        "peakMb": round(peak_mb()),
        "cpuSeconds": round(used.ru_utime + used.ru_stime, 1),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
