"""Measures files of the table family: delimited texts and JSON Lines, also compressed with gzip.

The whole file is decoded, so that its encoding is known, but only its first rows are divided into columns: the
transform `table` parses all rows.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from contract.media import JSON_LINES
from functions.shared.delimited import Layout, delimited_layout, has_closed_quotes, json_layout
from functions.shared.errors import ConfigurationError
from functions.shared.reasons import ReasonCode, Rejection, reject
from functions.shared.text import GZIP, GZIP_START, START_BYTES, UNCOMPRESSED, first_lines, pieces
from functions.validate.accepted import Accepted
from functions.validate.encoding import TextScan


@dataclass(frozen=True, kw_only=True)
class TableLimits:
    """Limits of tables; `max_bytes` is that of the decompressed file."""

    max_bytes: int
    max_rows: int
    max_columns: int
    min_columns: int


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What validate measures of a table.

    Args:
        encoding: Python's name.
        compression: `gzip` or `none`.
        delimiter: the character between columns, or `json`.
        header: whether the first line holds the names of the columns.
        columns: their number.
        lines: the number of lines, without line breaks within quotes.
        most_rows: a number of rows that the transform cannot exceed, whatever it makes of the quotes.
    """

    encoding: str
    compression: str
    delimiter: str
    header: bool
    columns: int
    lines: int
    most_rows: int


def measure(body: BinaryIO, media_type: str, limits: Mapping[str, Any]) -> Accepted | Rejection:
    """Determine a table's encoding and layout within the limits.

    Args:
        body: the file, seekable.
        media_type: a type of the table family.
        limits: as `table.schema.json` declares them.

    Raises:
        ConfigurationError: a limit is missing or not a number.
    """
    try:
        names = {
            "max_bytes": "maxBytes",
            "max_rows": "maxRows",
            "max_columns": "maxColumns",
            "min_columns": "minColumns",
        }
        table_limits = TableLimits(**{name: int(limits[key]) for name, key in names.items()})
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"The limits of tables are invalid: {error!r}. Deploy the stack again.") from error
    body.seek(0)
    compression = GZIP if body.read(len(GZIP_START)) == GZIP_START else UNCOMPRESSED
    body.seek(0)
    scan = TextScan(media_type, quotes=media_type != JSON_LINES.name)
    try:
        found = _scan(body, compression, scan, table_limits)
    except (OSError, EOFError, zlib.error) as error:
        return reject(ReasonCode.CORRUPT, found=media_type, detail=f"its gzip compression is damaged ({error})")
    found = found or _measures(scan, compression, media_type, table_limits)
    return found if isinstance(found, Rejection) else Accepted(measures=found)


def _scan(body: BinaryIO, compression: str, scan: TextScan, limits: TableLimits) -> Rejection | None:
    """Decode the whole file."""
    total = 0
    for piece in pieces(body, compression):
        total += len(piece)
        if total > limits.max_bytes:
            return reject(ReasonCode.COMPRESSION_BOMB, found=scan.media_type, limit=limits.max_bytes)
        if rejection := scan.feed(piece):
            return rejection
        if scan.lines > limits.max_rows + 1:
            return reject(ReasonCode.TOO_MANY_ROWS, found=scan.media_type, limit=limits.max_rows)
    return scan.finish()


def _measures(scan: TextScan, compression: str, media_type: str, limits: TableLimits) -> Measures | Rejection:
    start = first_lines(scan.start, scan.encoding, is_cut=scan.is_longer_than_start)
    is_json = media_type == JSON_LINES.name
    layout = json_layout(start) if is_json else delimited_layout(start)
    if not start and scan.is_longer_than_start:
        detail = f"its first line is longer than {START_BYTES:,} bytes"
        return reject(ReasonCode.NO_COLUMNS, found=media_type, detail=detail)
    detail = _what_is_missing(start, layout, limits.min_columns, is_json=is_json)
    if layout is None or detail:
        return reject(ReasonCode.NO_COLUMNS, found=media_type, detail=detail)
    if len(layout.columns) > limits.max_columns:
        actual, limit = len(layout.columns), limits.max_columns
        return reject(ReasonCode.TOO_MANY_COLUMNS, found=media_type, actual=actual, limit=limit)
    return Measures(
        encoding=scan.encoding,
        compression=compression,
        delimiter=layout.delimiter,
        header=layout.has_header,
        columns=len(layout.columns),
        lines=scan.lines,
        most_rows=scan.line_breaks + 1,
    )


def _what_is_missing(start: str, layout: Layout | None, min_columns: int, *, is_json: bool) -> str:
    """Why a text's start has no columns; "" if it has."""
    if layout is None:
        return "its first line is not a JSON object" if is_json else "it has no lines with text"
    if layout.has_header and not has_closed_quotes(start, layout.delimiter):
        return "a quote in its first line is not closed, or text follows it"
    return f"only {len(layout.columns)} was found" if len(layout.columns) < min_columns else ""
