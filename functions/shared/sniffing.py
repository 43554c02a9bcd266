"""Detects a file's type from its first bytes, whatever its name is."""

from __future__ import annotations

from contract.media import MEDIA_TYPES, UNKNOWN_MEDIA_TYPE
from contract.signatures import Signature, other_container, starting

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


def sniff(head: bytes) -> str:
    """The MIME type of a file, detected from its first bytes.

    Args:
        head: the file's first bytes, up to `SNIFF_BYTES`.

    Returns:
        A key of `MEDIA_TYPES`, or the name of another common type, or `UNKNOWN_MEDIA_TYPE`.
    """
    signatures = _OTHER_TYPES | {name: media.signature for name, media in MEDIA_TYPES.items()}
    return next((name for name, matches in signatures.items() if matches(head)), UNKNOWN_MEDIA_TYPE)
