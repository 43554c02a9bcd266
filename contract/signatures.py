"""Signatures that detect a media type from a file's first bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

SNIFF_BYTES = 512
"""The number of first bytes that a signature is called with."""

Signature = Callable[[bytes], object]
"""(a file's first bytes, up to `SNIFF_BYTES`) -> a truthy value if the file is of the type."""

CONTROL_CHARACTER = re.compile(r"[\0-\x08\x0e-\x1f\x7f]")
"""A character that no text contains."""

# ISO/IEC 23008-12 (HEIF), annexes on brands: HEVC-coded still images and sequences; and AVIF's own from the AV1 Image
# File Format specification.
HEVC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
AV1_BRANDS = frozenset({b"avif", b"avis"})


def starting(pattern: bytes) -> Signature:
    """The signature of files whose start matches a regular expression."""
    return re.compile(pattern, re.DOTALL).match


def delimited(delimiters: str) -> Signature:
    """The signature of texts whose first two lines have the same number of one of the delimiters.

    A first line that is longer than the first bytes must have two of them.
    """

    def matches(head: bytes) -> bool:
        first, *others = _text(head).splitlines() or [""]
        counts = [(first.count(each), [line.count(each) for line in others[:1]]) for each in delimiters]
        return any(count > 0 and (following == [count] or (not others and count > 1)) for count, following in counts)

    return matches


def coded_by(brands: frozenset[bytes]) -> Signature:
    """The signature of ISO base media files with one of these brands before any brand of another codec."""
    return lambda head: _codec_brand(head) in brands


def other_container(major_brands: bytes) -> Signature:
    """The signature of ISO base media files of other codecs.

    Args:
        major_brands: a regular expression that the major brand matches.
    """
    start = starting(b".{4}ftyp(%b)" % major_brands)
    return lambda head: start(head) and not _codec_brand(head)


def _text(head: bytes) -> str:
    """The text of a file's first bytes, in UTF-16 if it has a byte order mark; "" if they are no text."""
    is_utf_16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = head.decode("utf-16" if is_utf_16 else "latin-1", errors="ignore")
    return "" if CONTROL_CHARACTER.search(text) else text


def _codec_brand(head: bytes) -> bytes:
    """The first codec brand of an ISO base media file; empty if there is none."""
    if head[4:8] != b"ftyp":
        return b""
    box = head[: int.from_bytes(head[:4], "big")]
    brands = [box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))]
    return next((brand for brand in brands if brand in AV1_BRANDS | HEVC_BRANDS), b"")
