"""Compares what a file is with what its uploader says it is: the declared content type and the extension."""

from __future__ import annotations

import mimetypes
from pathlib import PurePosixPath

from functions.shared.formats import FORMATS, UNKNOWN_TYPE
from functions.shared.reasons import ReasonCode, Rejection, reject

# What S3 and HTTP clients send when nobody declared anything.
_UNDECLARED = frozenset({"", UNKNOWN_TYPE, "binary/octet-stream"})

_BY_EXTENSION = {extension: format.content_type for format in FORMATS.values() for extension in format.extensions}
_BY_ALIAS = {alias: format.content_type for format in FORMATS.values() for alias in format.aliases}


def check_type(found: str, *, key: str, declared: str, allowed: tuple[str, ...]) -> Rejection | None:
    """Is the type accepted, and is it the one that the upload claims?

    Args:
        found: what the first bytes show, from `formats.sniff`.
        key: the object's key; its extension is a claim if it stands for any type, and none otherwise.
        declared: the object's content type.
        allowed: MIME types that are accepted.
    """
    if found not in allowed:
        described = "of no known image format" if found == UNKNOWN_TYPE else found
        return reject(ReasonCode.UNSUPPORTED_TYPE, found=described, accepted=", ".join(allowed))
    for witness, claimed in (("extension", _claimed_by_name(key)), ("content type", _claimed_by_header(declared))):
        if claimed not in {found, ""}:
            extension = FORMATS[found].extension
            return reject(ReasonCode.TYPE_MISMATCH, found=found, witness=witness, claimed=claimed, extension=extension)
    return None


def _claimed_by_name(key: str) -> str:
    extension = PurePosixPath(key.rpartition("/")[2]).suffix.lower()
    return _BY_EXTENSION.get(extension) or mimetypes.types_map.get(extension, "")


def _claimed_by_header(declared: str) -> str:
    content_type = declared.partition(";")[0].strip().lower()
    if content_type in _UNDECLARED:
        return ""
    return _BY_ALIAS.get(content_type, content_type)
