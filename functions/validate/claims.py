"""Compares what a file is with what its uploader says it is: the declared content type and the extension."""

from __future__ import annotations

import mimetypes
from pathlib import PurePosixPath

from contract.media import MEDIA_TYPES, UNKNOWN_MEDIA_TYPE
from functions.shared.reasons import ReasonCode, Rejection, reject

# What S3 and HTTP clients send when nobody declared anything, and what forms send whatever they carry.
_UNDECLARED = frozenset(
    {UNKNOWN_MEDIA_TYPE, "binary/octet-stream", "application/x-www-form-urlencoded", "multipart/form-data"}
)

_BY_EXTENSION = {extension: media.name for media in MEDIA_TYPES.values() for extension in media.extensions}
_BY_ALIAS = {alias: media.name for media in MEDIA_TYPES.values() for alias in media.aliases}
_PROGRAMS = {".exe": "application/x-msdownload", ".dll": "application/x-msdownload"}
_SHORTEST_EXTENSION = len(".pdf")


def check_type(found: str, *, key: str, declared: str, allowed: tuple[str, ...]) -> Rejection | None:
    """Is the type accepted, and is it the one that the upload claims?

    Args:
        found: what the first bytes show, from `sniffing.sniff`.
        key: the object's key; its extension is a claim if it stands for any type, and none otherwise.
        declared: the object's content type.
        allowed: MIME types that are accepted.
    """
    if found not in allowed:
        described = "of no known type" if found == UNKNOWN_MEDIA_TYPE else found
        return reject(ReasonCode.UNSUPPORTED_TYPE, found=described, accepted=", ".join(allowed))
    for witness, claimed in (("extension", _claimed_by_name(key)), ("content type", _claimed_by_header(declared, key))):
        if claimed not in {"", found, *MEDIA_TYPES[found].aliases}:
            claimed_type, extension = _BY_ALIAS.get(claimed, claimed), MEDIA_TYPES[found].extension
            return reject(
                ReasonCode.TYPE_MISMATCH, found=found, witness=witness, claimed=claimed_type, extension=extension
            )
    return None


def _claimed_by_name(key: str) -> str:
    """The type that the name's extension stands for; "" where what follows its last dot is no such extension.

    Names have dots without extensions ("by.me"), and the table of extensions holds many that few people know. Of the
    types that are not ours, only those count that a name is given on purpose: of three letters, registered, and not
    the type of any bytes whatsoever (".bin").
    """
    extension = _extension(key)
    if known := _BY_EXTENSION.get(extension) or _PROGRAMS.get(extension):
        return known
    content_type = mimetypes.types_map.get(extension, "")
    is_obscure = len(extension) < _SHORTEST_EXTENSION or content_type.startswith("application/x-")
    return "" if is_obscure or content_type == UNKNOWN_MEDIA_TYPE else content_type


def _claimed_by_header(declared: str, key: str) -> str:
    """The declared type; "" where none is, which includes "image/*" and words that are no type, such as "undefined".

    Neither is a type that uploading programs take from the name, as the AWS CLI does: the name says that itself.
    """
    content_type = declared.partition(";")[0].strip().lower()
    is_type = "/" in content_type and not content_type.endswith("/*")
    is_taken_from_name = content_type == mimetypes.types_map.get(_extension(key))
    return "" if not is_type or is_taken_from_name or content_type in _UNDECLARED else content_type


def _extension(key: str) -> str:
    return PurePosixPath(key.rpartition("/")[2]).suffix.lower()
