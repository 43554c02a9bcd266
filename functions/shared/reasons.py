"""Why a file is rejected: stable codes, each with a reason for the uploader and a hint how to fix the file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ReasonCode(StrEnum):
    """The reason codes. Queries, dashboards and subscribers rely on them: add codes, never rename one."""

    KEY_TOO_LONG = "KEY_TOO_LONG"
    EMPTY = "EMPTY"
    TOO_LARGE = "TOO_LARGE"
    NOT_FOUND = "NOT_FOUND"
    MALWARE_FOUND = "MALWARE_FOUND"
    NOT_SCANNED = "NOT_SCANNED"
    DENYLISTED = "DENYLISTED"
    UNSUPPORTED_TYPE = "UNSUPPORTED_TYPE"
    UNSUPPORTED_VARIANT = "UNSUPPORTED_VARIANT"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    TOO_MANY_PIXELS = "TOO_MANY_PIXELS"
    TOO_MANY_FRAMES = "TOO_MANY_FRAMES"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    NOT_TEXT = "NOT_TEXT"
    MIXED_ENCODINGS = "MIXED_ENCODINGS"
    COMPRESSION_BOMB = "COMPRESSION_BOMB"
    NO_COLUMNS = "NO_COLUMNS"
    TOO_MANY_COLUMNS = "TOO_MANY_COLUMNS"
    TOO_MANY_ROWS = "TOO_MANY_ROWS"
    SCHEMA_MISMATCH = "SCHEMA_MISMATCH"
    ROWS_MISFIT = "ROWS_MISFIT"
    FORMULAS_FOUND = "FORMULAS_FOUND"
    CORRUPT = "CORRUPT"


@dataclass(frozen=True)
class ReasonText:
    """The texts of a code, format strings for the values that `reject` is called with."""

    reason: str
    hint: str


REASON_TEXTS: dict[ReasonCode, ReasonText] = {
    ReasonCode.KEY_TOO_LONG: ReasonText(
        "The file's key is {actual:,} bytes long; at most {limit:,} are accepted, because renditions' keys are longer.",
        "Upload the file again with a shorter name.",
    ),
    ReasonCode.EMPTY: ReasonText(
        "The file is empty.",
        "Check that the upload was complete, then upload the file again.",
    ),
    ReasonCode.TOO_LARGE: ReasonText(
        "The file is {actual:,} bytes; at most {limit:,} are accepted.",
        "Reduce the file's size or split it, for an image with a lower quality or resolution, then upload it again.",
    ),
    ReasonCode.NOT_FOUND: ReasonText(
        "This version of the file was deleted before it could be read.",
        "Upload the file again and do not delete it before it is processed.",
    ),
    ReasonCode.MALWARE_FOUND: ReasonText(
        "The malware scan found a threat in the file: {threats}.",
        "Do not open or share the file. Scan the computer that it comes from, then upload a clean copy.",
    ),
    ReasonCode.NOT_SCANNED: ReasonText(
        "The file was not scanned for malware, so access to it is denied: {status}.",
        "If it is protected by a password, upload it without one. Otherwise ask the operators to scan it again.",
    ),
    ReasonCode.DENYLISTED: ReasonText(
        "The file's content is on the deny-list{note}.",
        "Do not upload this file. If it is listed by mistake, send the operators its SHA-256: {sha256}.",
    ),
    ReasonCode.UNSUPPORTED_TYPE: ReasonText(
        "The file is {found}, which is not accepted.",
        "Convert it to one of: {accepted}.",
    ),
    ReasonCode.UNSUPPORTED_VARIANT: ReasonText(
        "The file is {variant}, a variant of {found} that is not supported.",
        "Open it in an image editor and export it with default settings, for example as an 8-bit JPEG or PNG.",
    ),
    ReasonCode.TYPE_MISMATCH: ReasonText(
        "The file is {found}, but its {source} indicates {claimed}.",
        "Upload it with the extension {extension} and the content type {found}.",
    ),
    ReasonCode.TOO_MANY_PIXELS: ReasonText(
        "The image has {actual} pixels in all its frames; at most {limit:,} are accepted for its format and bit depth.",
        "Reduce the image's resolution, then upload it again.",
    ),
    ReasonCode.TOO_MANY_FRAMES: ReasonText(
        "The image has more than {limit:,} frames.",
        "Shorten the animation or split the document, then upload it again.",
    ),
    ReasonCode.LIMIT_EXCEEDED: ReasonText(
        "The {found} file has {actual:,} {unit}; at most {limit:,} are accepted.",
        "Shorten or split the file, then upload it again.",
    ),
    ReasonCode.NOT_TEXT: ReasonText(
        "The {found} file is not a text: {detail}.",
        "Export the table as text in UTF-8; a workbook or an archive is not accepted under another name.",
    ),
    ReasonCode.MIXED_ENCODINGS: ReasonText(
        "The {found} file is partly in UTF-8 and partly in another encoding: they differ from line {line:,} on.",
        "Export all of it in UTF-8. Files that were joined must have the same encoding before.",
    ),
    ReasonCode.COMPRESSION_BOMB: ReasonText(
        "The compressed {found} file has more than {limit:,} bytes when it is decompressed.",
        "Split the table into several files, then upload those.",
    ),
    ReasonCode.NO_COLUMNS: ReasonText(
        "The {found} file has no columns: {detail}.",
        "Separate columns by comma, semicolon, tab or |, with their names in the first line; in JSON Lines, "
        "write one object in each line.",
    ),
    ReasonCode.TOO_MANY_COLUMNS: ReasonText(
        "The {found} file has {actual:,} columns; at most {limit:,} are accepted.",
        "Upload only the columns that are needed, or turn columns into rows.",
    ),
    ReasonCode.TOO_MANY_ROWS: ReasonText(
        "The {found} file has more than {limit:,} rows.",
        "Split the table into several files, then upload those.",
    ),
    ReasonCode.SCHEMA_MISMATCH: ReasonText(
        "The table does not have the columns that are set for {prefix}: {detail}.",
        "Name the columns in the first line exactly as set, in any order.",
    ),
    ReasonCode.ROWS_MISFIT: ReasonText(
        "{actual:,} rows do not fit, more than {limit:g} % of all. The first is in line {line:,}, {value}: {detail}",
        "Correct these rows, then upload the file again.",
    ),
    ReasonCode.FORMULAS_FOUND: ReasonText(
        "{actual:,} cells start like a formula (=, +, - or @), the first of them in the column {column}.",
        "Remove these characters or put an apostrophe before them, so that no spreadsheet runs them as formulas.",
    ),
    ReasonCode.CORRUPT: ReasonText(
        "The {found} file cannot be decoded: {detail}.",
        "The upload may be incomplete: upload the file again. If that fails too, export the original from an editor.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """Why a file is not accepted.

    Args:
        code: the stable code.
        reason: why the file is rejected, one sentence for the uploader.
        hint: what the uploader can do about it.
    """

    code: ReasonCode
    reason: str
    hint: str

    def payload(self) -> dict[str, str]:
        """The rejection as the workflow reads it."""
        return {"reasonCode": self.code.value, "reason": self.reason, "hint": self.hint}


def reject(code: ReasonCode, **values: Any) -> Rejection:
    """The rejection for `code`, with its texts formatted.

    Raises:
        KeyError: a value that a text contains is missing.
    """
    text = REASON_TEXTS[code]
    return Rejection(code=code, reason=text.reason.format(**values), hint=text.hint.format(**values))
