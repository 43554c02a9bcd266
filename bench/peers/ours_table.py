"""The table's step as the functions do it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.peers import steps
from contract.media import CSV
from functions.shared.reasons import Rejection
from functions.table.settings import Schema
from functions.table.tabulating import tabulate
from functions.validate.table import measure

_MEMORY_MB = 512
_LIMITS = {"maxBytes": 1 << 31, "maxRows": 1 << 30, "maxColumns": 1000, "minColumns": 2}


def _table(path: Path, folder: Path) -> None:
    schema = Schema(prefix="", types={}, tolerated_percent=5, rejects_formulas=False)
    with path.open("rb") as body, tempfile.TemporaryDirectory() as made:
        measures = measure(body, CSV.name, _LIMITS)
        if isinstance(measures, Rejection):
            raise SystemExit(measures.reason)
        body.seek(0)
        table = tabulate(body, vars(measures), schema, Path(made), _MEMORY_MB)
        if isinstance(table, Rejection):
            raise SystemExit(table.reason)
        for rendition in table.renditions:
            with rendition.open() as content, (folder / rendition.file_name).open("wb") as written:
                shutil.copyfileobj(content, written)


STEPS: dict[str, Callable[[Path, Path], None]] = {steps.TABLE: _table}
