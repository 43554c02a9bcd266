"""Makes all that a table becomes: Parquet, profile, preview and quarantine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

from functions.shared.answers import Rendition
from functions.shared.errors import TableError
from functions.shared.reasons import ReasonCode, Rejection, reject
from functions.table.plain import PlainTable, write_plain
from functions.table.profile import Profile, preview, profile
from functions.table.quarantine import Misfit, Quarantine
from functions.table.reading import connect, misfits, write_parquet
from functions.table.settings import Schema
from functions.table.types import column_types

PARQUET_TYPE = "application/vnd.apache.parquet"
_JSON_TYPE = "application/json"
_JSON_LINES_TYPE = "application/x-ndjson"
# The workflow's state, which holds the answer once or twice, is limited to 256 KiB, and the record of a file to 400 KB.
_RECORDED_COLUMNS = 100
_RECORDED_BYTES = 48 << 10
_NAMES_IN_REASON = 5


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a table became.

    Args:
        renditions: their content is in files, which must be there until it is stored.
        record: what is recorded of the table.
    """

    renditions: list[Rendition]
    record: dict[str, Any]


def tabulate(
    body: BinaryIO, measures: Mapping[str, Any], schema: Schema, folder: Path, memory_mb: int
) -> Table | Rejection:
    """Convert a table that validate accepted.

    Args:
        body: the file, which is read once.
        measures: what validate measured.
        schema: what is required of it.
        folder: an empty folder for files.
        memory_mb: the function's memory.

    Returns:
        The table, or why the file is rejected.

    Raises:
        TableError: a row is neither in the table nor in the quarantine.
    """
    parquet = folder / "table.parquet"
    quarantined = folder / "quarantine.jsonl"
    most_misfits = schema.tolerated_percent * measures["most_rows"] / 100
    with Quarantine(quarantined, most_misfits) as quarantine, connect(folder, memory_mb) as connection:
        table = write_plain(body, measures, folder / "rows.csv", quarantine, numbers_lines=bool(schema.types))
        pinned = _pinned_types(table, schema) if schema.types else {}
        if isinstance(pinned, Rejection):
            return pinned
        if quarantine.first and quarantine.is_full:
            return _rows_misfit(quarantine.first, quarantine.rows, schema)
        types = pinned or column_types(connection, table)
        row_count = write_parquet(connection, table, types, parquet)
        others = misfits(connection, table, types) if pinned and row_count < table.rows else iter(())
        misfit_rows = quarantine.rows + table.rows - row_count
        if 100 * misfit_rows > schema.tolerated_percent * (row_count + misfit_rows):
            firsts = filter(None, (quarantine.first, next(others, None)))
            if first := min(firsts, key=lambda misfit: misfit.line, default=None):
                return _rows_misfit(first, misfit_rows, schema)
        elif row_count < table.rows:
            quarantine.merge(others)
        if quarantine.rows != misfit_rows:
            raise TableError(
                f"Of {row_count + misfit_rows:,} rows, {row_count:,} were written and {quarantine.rows:,} quarantined. "
                f"The file is kept; report this defect of the function."
            )
        found = profile(connection, parquet, types)
        if found.formulas and schema.rejects_formulas:
            return reject(
                ReasonCode.FORMULAS_FOUND, actual=sum(found.formulas.values()), column=next(iter(found.formulas))
            )
        _write_json(folder / "preview.json", preview(connection, parquet, types))
        _write_json(folder / "profile.json", {"rowCount": row_count, "columns": found.columns})
    made = {"table.parquet": PARQUET_TYPE, "preview.json": _JSON_TYPE, "profile.json": _JSON_TYPE}
    if quarantine.rows:
        made[quarantined.name] = _JSON_LINES_TYPE
    renditions = [
        Rendition(name=file.partition(".")[0], file_name=file, content_type=content_type, body=folder / file)
        for file, content_type in made.items()
    ]
    return Table(renditions=renditions, record=_record(row_count, found, quarantine.rows))


def _pinned_types(table: PlainTable, schema: Schema) -> dict[str, str] | Rejection:
    """The types of the columns, in the order of the file."""
    missing, unknown = schema.types.keys() - set(table.columns), set(table.columns) - schema.types.keys()
    if not missing and not unknown:
        return {column: schema.types[column] for column in table.columns}
    details = [f"{what} {_listed(names)}" for what, names in (("it lacks", missing), ("it also has", unknown)) if names]
    return reject(ReasonCode.SCHEMA_MISMATCH, prefix=schema.prefix, detail=" and ".join(details))


def _listed(names: Iterable[str]) -> str:
    """The first of some names in the order of the alphabet."""
    first, others = sorted(names)[:_NAMES_IN_REASON], len(set(names)) - _NAMES_IN_REASON
    return ", ".join(first) + (f" and {others:,} more" if others > 0 else "")


def _rows_misfit(first: Misfit, rows: int, schema: Schema) -> Rejection:
    what = f"the value {first.value[:60]!r} of {first.column}" if first.column else f"{first.value[:60]!r}"
    return reject(
        ReasonCode.ROWS_MISFIT,
        actual=rows,
        limit=schema.tolerated_percent,
        line=first.line,
        value=what,
        detail=first.reason,
    )


def _record(row_count: int, found: Profile, quarantined: int) -> dict[str, Any]:
    return {
        "rowCount": row_count,
        "quarantined": quarantined,
        "columnCount": len(found.columns),
        "columns": _first(found.columns),
        "formulas": sum(found.formulas.values()),
        "formulaColumns": _first(list(found.formulas)),
    }


def _first(items: Sequence[Any]) -> list[Any]:
    """The first items, as many as a record holds."""
    sizes = accumulate(len(json.dumps(item, ensure_ascii=False).encode()) for item in items[:_RECORDED_COLUMNS])
    return [item for item, size in zip(items, sizes, strict=False) if size <= _RECORDED_BYTES]


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False), encoding="utf-8")
