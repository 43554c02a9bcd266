"""Detects a file's type from its first bytes, whatever its name is."""

from __future__ import annotations

import zlib

from contract.media import GZIP_TYPES, MEDIA_TYPES, UNKNOWN_MEDIA_TYPE
from contract.signatures import SNIFF_BYTES, Signature, other_container, starting

# Other common types, so that a rejection can name them. They are tried before the registered types, one of which may
# match most texts. Each requires enough bytes that no text is likely to start with them.
_OTHER_TYPES: dict[str, Signature] = {
    "application/pdf": starting(rb"%PDF-"),
    "application/postscript": starting(rb"%!PS"),
    "image/bmp": starting(rb"BM.{4}\0{4}"),
    "image/vnd.adobe.photoshop": starting(rb"8BPS\0[\1\2]"),
    "image/jxl": starting(rb"\xff\x0a|\0{3}\x0cJXL \r\n\x87\n"),
    "image/jp2": starting(rb"\0{3}\x0cjP  \r\n\x87\n"),
    "image/x-icon": starting(rb"\0\0\x01\0"),
    "application/zip": starting(rb"PK\x03\x04"),
    "application/gzip": starting(rb"\x1f\x8b"),
    "application/x-msdownload": starting(rb"MZ[^\0]*\0"),
    "application/x-executable": starting(rb"\x7fELF"),
    "image/svg+xml": starting(rb"(\xef\xbb\xbf)?\s*<(?i:[^>]*>\s*<)*?(?i:svg)\b"),
    "text/html": starting(rb"(\xef\xbb\xbf)?\s*<(?i:!doctype html|html)\b"),
    "image/heif": other_container(rb"mif1|msf1"),
    "video/mp4": other_container(b""),
}


def sniff(head: bytes, claimed: str = "") -> str:
    """The MIME type of a file, detected from its first bytes.

    Args:
        head: the file's first bytes, up to `SNIFF_BYTES`.
        claimed: the registered type that the file's name stands for, if any. It decides between several types whose
            signatures match. A file that matches no signature is of a text type if its name says so.

    Returns:
        A key of `MEDIA_TYPES`, or the name of another common type, or `UNKNOWN_MEDIA_TYPE`.
    """
    other = next((name for name, matches in _OTHER_TYPES.items() if matches(head)), "")
    types = list(MEDIA_TYPES.values())
    if other == GZIP_TYPES[0]:
        head, types = _inflated(head), [media for media in types if media.is_text]
    elif other:
        return other
    found = [media.name for media in types if media.signature(head)]
    if claimed in found or (not found and claimed in MEDIA_TYPES and MEDIA_TYPES[claimed].is_text):
        return claimed
    return found[0] if found else other or UNKNOWN_MEDIA_TYPE


def _inflated(head: bytes) -> bytes:
    """The first bytes of a gzip file's content; empty if it is damaged."""
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(head, SNIFF_BYTES)
    except zlib.error:
        return b""
