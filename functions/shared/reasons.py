"""Why a file is rejected: stable codes, each with a sentence for the uploader and a hint how to fix the file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ReasonCode(StrEnum):
    """The closed set of codes. Queries, dashboards and subscribers rely on them: add, never rename."""

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
    CORRUPT = "CORRUPT"


@dataclass(frozen=True)
class Wording:
    """How a code reads; the braces name the values that `reject` fills in."""

    reason: str
    hint: str


WORDINGS: dict[ReasonCode, Wording] = {
    ReasonCode.KEY_TOO_LONG: Wording(
        "The file's key is {actual:,} bytes long; at most {limit:,} are accepted, as the renditions' names add to it.",
        "Upload the file again under a shorter name.",
    ),
    ReasonCode.EMPTY: Wording(
        "The file is empty.",
        "Check that the upload ran to its end, then upload the file again.",
    ),
    ReasonCode.TOO_LARGE: Wording(
        "The file is {actual:,} bytes; at most {limit:,} are accepted.",
        "Make the file smaller or split it, an image by a lower quality or size, then upload it again.",
    ),
    ReasonCode.NOT_FOUND: Wording(
        "This version of the file was deleted before it could be read.",
        "Upload the file again and leave it in place until it is processed.",
    ),
    ReasonCode.MALWARE_FOUND: Wording(
        "The malware scan found a threat in the file: {threats}.",
        "Do not open or share the file. Check the machine that it comes from, then upload a clean copy.",
    ),
    ReasonCode.NOT_SCANNED: Wording(
        "The file was not scanned for malware, so nobody may read it: {status}.",
        "If it has a password, upload it without one. Otherwise ask the operators to have it scanned again.",
    ),
    ReasonCode.DENYLISTED: Wording(
        "The file's content is on the deny-list{note}.",
        "Do not upload this file. If it is listed by mistake, give the operators its SHA-256: {sha256}.",
    ),
    ReasonCode.UNSUPPORTED_TYPE: Wording(
        "The file is {found}, which is not accepted.",
        "Convert it to one of: {accepted}.",
    ),
    ReasonCode.UNSUPPORTED_VARIANT: Wording(
        "The file is {variant}, a variant of {found} that is not supported.",
        "Open it in an editor and export it with common settings, for example as an 8-bit JPEG or PNG.",
    ),
    ReasonCode.TYPE_MISMATCH: Wording(
        "The file is {found}, but its {witness} says {claimed}.",
        "Upload it with the extension {extension} and the content type {found}.",
    ),
    ReasonCode.TOO_MANY_PIXELS: Wording(
        "The image has {actual} pixels over all its frames; at most {limit:,} are accepted in its format and depth.",
        "Scale the image down, then upload it again.",
    ),
    ReasonCode.TOO_MANY_FRAMES: Wording(
        "The image has more than {limit:,} frames.",
        "Shorten the animation or split the document, then upload it again.",
    ),
    ReasonCode.LIMIT_EXCEEDED: Wording(
        "The {found} file has {actual:,} {unit}; at most {limit:,} are accepted.",
        "Shorten or split the file, then upload it again.",
    ),
    ReasonCode.CORRUPT: Wording(
        "The {found} file cannot be decoded: {detail}.",
        "Often the upload broke off: upload it again. If that fails too, open the original in an editor and export it.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """Why a file is not accepted.

    Args:
        code: the stable code.
        reason: what is wrong, one sentence for the uploader.
        hint: what the uploader can do about it.
    """

    code: ReasonCode
    reason: str
    hint: str


def reject(code: ReasonCode, **values: Any) -> Rejection:
    """The rejection for `code`, its wording filled with the numbers, types and limits at hand.

    Raises:
        KeyError: a value that the wording names is missing.
    """
    wording = WORDINGS[code]
    return Rejection(code=code, reason=wording.reason.format(**values), hint=wording.hint.format(**values))
