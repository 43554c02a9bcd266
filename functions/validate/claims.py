"""Compares a file's detected type with its declared content type and its extension."""

from __future__ import annotations

from mimetypes import MimeTypes
from pathlib import PurePosixPath

from contract.media import MEDIA_TYPES, UNKNOWN_MEDIA_TYPE
from functions.shared.reasons import ReasonCode, Rejection, reject

# The defaults of S3 and HTTP clients when no type is declared, and the types of forms.
_UNDECLARED = frozenset(
    {UNKNOWN_MEDIA_TYPE, "binary/octet-stream", "application/x-www-form-urlencoded", "multipart/form-data"}
)

_BY_EXTENSION = {extension: media.name for media in MEDIA_TYPES.values() for extension in media.extensions}
_BY_ALIAS = {alias: media.name for media in MEDIA_TYPES.values() for alias in media.aliases if alias not in MEDIA_TYPES}
_PROGRAMS = {".exe": "application/x-msdownload", ".dll": "application/x-msdownload"}
# Python's own table, without what this machine's files add to it.
_TYPES = MimeTypes(filenames=()).types_map[True]
_SHORTEST_EXTENSION = len(".pdf")


def check_type(found: str, *, key: str, declared: str, allowed: tuple[str, ...]) -> Rejection | None:
    """Check that the detected type is accepted, and that the declared type and the extension match it.

    Args:
        found: the detected type, from `sniffing.sniff`.
        key: the object's key; an extension that is not known to stand for a type is ignored.
        declared: the object's content type.
        allowed: the accepted MIME types.
    """
    if found not in allowed:
        described = "of an unknown type" if found == UNKNOWN_MEDIA_TYPE else found
        return reject(ReasonCode.UNSUPPORTED_TYPE, found=described, accepted=", ".join(allowed))
    for source, claimed in (("extension", _type_by_name(key)), ("content type", _type_by_header(declared, key))):
        if claimed not in ("", *MEDIA_TYPES[found].declared):
            claimed_type, extension = _BY_ALIAS.get(claimed, claimed), MEDIA_TYPES[found].extension
            return reject(
                ReasonCode.TYPE_MISMATCH, found=found, source=source, claimed=claimed_type, extension=extension
            )
    return None


def registered_type_by_name(key: str) -> str:
    """The registered type that the key's extension stands for; "" if there is none."""
    return _BY_EXTENSION.get(_extension(key), "")


def _type_by_name(key: str) -> str:
    """The type that the name's extension stands for; "" if the text after its last dot is not a known extension.

    Names can have dots without extensions ("by.me"), and the table of extensions contains many obscure ones. Of the
    types that the pipeline does not process, only registered ones with an extension of at least three letters are used,
    and not the type of arbitrary bytes (".bin").
    """
    extension = _extension(key)
    if known := _BY_EXTENSION.get(extension) or _PROGRAMS.get(extension):
        return known
    content_type = _TYPES.get(extension, "")
    is_obscure = len(extension) < _SHORTEST_EXTENSION or content_type.startswith("application/x-")
    return "" if is_obscure or content_type == UNKNOWN_MEDIA_TYPE else content_type


def _type_by_header(declared: str, key: str) -> str:
    """The declared type; "" if there is none. "image/*" and values such as "undefined" are not types.

    A type that the uploading program derived from the name, as the AWS CLI does, is ignored: the name is checked too.
    """
    content_type = declared.partition(";")[0].strip().lower()
    is_type = "/" in content_type and not content_type.endswith("/*")
    is_derived_from_name = content_type == _TYPES.get(_extension(key))
    return "" if not is_type or is_derived_from_name or content_type in _UNDECLARED else content_type


def _extension(key: str) -> str:
    """The extension of the key's last part, without that of its compression."""
    return PurePosixPath(key.rpartition("/")[2].lower().removesuffix(".gz")).suffix
