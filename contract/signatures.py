"""Signatures that detect a media type from a file's first bytes."""

from __future__ import annotations

import re
from collections.abc import Callable

SNIFF_BYTES = 512
"""The number of first bytes that a signature is called with."""

Signature = Callable[[bytes], object]
"""(a file's first bytes, up to `SNIFF_BYTES`) -> a truthy value if the file is of the type."""

# ISO/IEC 23008-12 (HEIF), annexes on brands: HEVC-coded still images and sequences; and AVIF's own from the AV1 Image
# File Format specification.
HEVC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
AV1_BRANDS = frozenset({b"avif", b"avis"})


def starting(pattern: bytes) -> Signature:
    """The signature of files whose start matches a regular expression."""
    return re.compile(pattern, re.DOTALL).match


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


def _codec_brand(head: bytes) -> bytes:
    """The first codec brand of an ISO base media file; empty if there is none."""
    if head[4:8] != b"ftyp":
        return b""
    box = head[: int.from_bytes(head[:4], "big")]
    brands = [box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))]
    return next((brand for brand in brands if brand in AV1_BRANDS | HEVC_BRANDS), b"")
