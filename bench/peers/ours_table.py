"""The table's step as the functions do it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.peers import steps
from bench.tables import tabulated, validated

_MEMORY_MB = 512


def _table(path: Path, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        for rendition in tabulated(path, validated(path), Path(made), _MEMORY_MB):
            with rendition.open() as content, (folder / rendition.file_name).open("wb") as written:
                shutil.copyfileobj(content, written)


STEPS: dict[str, Callable[[Path, Path], None]] = {steps.TABLE: _table}
