"""Truncates a progressive JPEG after its first scan, which contains the average colour of every 8 by 8 block.

That is enough for a small sample, and about a tenth of the file: the rest is not downloaded or decoded.
"""

from __future__ import annotations

import io
import itertools
from typing import BinaryIO

from functions.shared.jpeg import END_OF_IMAGE, START_OF_PROGRESSIVE_FRAME, START_OF_SCAN, segments


def first_scan(body: BinaryIO) -> io.BytesIO | None:
    """A JPEG of the same headers and only the first scan; None if that scan lacks averages.

    Args:
        body: the file, seekable; left at its start.
    """
    cut = _end_of_averages(body)
    body.seek(0)
    if cut is None:
        return None
    return io.BytesIO(body.read(cut) + bytes([0xFF, END_OF_IMAGE]))


def _end_of_averages(body: BinaryIO) -> int | None:
    """The end of the first scan, if it has only the averages (the DC coefficients) of all components."""
    components = 0  # of a progressive frame
    for (marker, start), (_, end) in itertools.pairwise(segments(body)):
        if marker == START_OF_PROGRESSIVE_FRAME:
            components = _bytes_at(body, start + 9, 1)[0]
        elif marker == START_OF_SCAN:
            # ITU-T T.81, B.2.3: the components in this scan, two bytes for each, then the range of coefficients.
            in_scan = _bytes_at(body, start + 4, 1)[0]
            coefficients = _bytes_at(body, start + 5 + 2 * in_scan, 2)
            return end if in_scan == components and coefficients == b"\0\0" else None
    return None


def _bytes_at(body: BinaryIO, position: int, count: int) -> bytes:
    body.seek(position)
    return body.read(count)
