"""What is checked of a JPEG before it is decoded: how it is coded, and how many scans it has."""

from __future__ import annotations

from typing import BinaryIO

from functions.shared.jpeg import START_OF_SCAN, segments
from functions.shared.variants import UnsupportedVariantError

# A progressive photograph has about ten. A file of kilobytes can have thousands and keep a decoder busy for hours ("Two
# Issues with the JPEG Standard", libjpeg-turbo project).
_MOST_SCANS = 100

# ITU-T T.81, table B.1: frame headers by coding process.
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_LOSSLESS = frozenset({0xC3, 0xCB})
_HIERARCHICAL = frozenset({0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF})
_BITS = 8


def check(body: BinaryIO) -> None:
    """Walk a JPEG's segments.

    Args:
        body: the file, seekable; left at an unspecified position.

    Raises:
        UnsupportedVariantError: it is coded as no browser reads it.
        ValueError: it has more scans than any encoder writes.
    """
    scans = 0
    for marker, start in segments(body):
        if marker in _FRAMES:
            _check_frame(body, marker, start)
        if marker == START_OF_SCAN:
            # Each scan makes the decoder go through the whole picture again, and one takes only a few bytes.
            scans += 1
            if scans > _MOST_SCANS:
                raise ValueError(f"it has more than {_MOST_SCANS} scans, as no encoder writes")


def _check_frame(body: BinaryIO, marker: int, start: int) -> None:
    if marker in _LOSSLESS:
        raise UnsupportedVariantError("a lossless JPEG")
    if marker in _HIERARCHICAL:
        raise UnsupportedVariantError("a hierarchical JPEG")
    body.seek(start + 4)
    if (bits := body.read(1)[0]) != _BITS:
        raise UnsupportedVariantError(f"a JPEG with {bits} bits a sample")
