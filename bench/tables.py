"""What the functions do with a table, without S3: validated, then made into Parquet with the profile of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from contract.media import CSV
from functions.shared.answers import Rendition
from functions.shared.reasons import Rejection
from functions.table.settings import Schema
from functions.table.tabulating import tabulate
from functions.validate.table import measure

_LIMITS = {"maxBytes": 1 << 31, "maxRows": 1 << 30, "maxColumns": 1000, "minColumns": 2}
_SCHEMA = Schema(prefix="", types={}, tolerated_percent=5, rejects_formulas=False)
_Made = TypeVar("_Made")


def validated(path: Path) -> dict[str, Any]:
    """The measures of a CSV file, as `tabulated` needs them.

    Raises:
        SystemExit: the file was rejected.
    """
    with path.open("rb") as body:
        return vars(_accepted(path, measure(body, CSV.name, _LIMITS)).measures)


def tabulated(path: Path, measures: Mapping[str, Any], folder: Path, memory_mb: int) -> list[Rendition]:
    """The renditions of a CSV file; their bodies are files in the folder.

    Args:
        path: the file.
        measures: see `validated`.
        folder: an existing, empty folder.
        memory_mb: the function's memory.

    Raises:
        SystemExit: the file was rejected.
    """
    with path.open("rb") as body:
        return _accepted(path, tabulate(body, measures, _SCHEMA, folder, memory_mb)).renditions


def _accepted(path: Path, found: _Made | Rejection) -> _Made:
    if isinstance(found, Rejection):
        raise SystemExit(f"{path.name}: {found.reason}")
    return found
