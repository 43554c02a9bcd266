"""Counts a JPEG's scans, each of which makes the decoder go through the whole picture again.

A progressive photograph has about ten. A file of a few kilobytes can have thousands, and keep a decoder busy for hours
("Two Issues with the JPEG Standard", libjpeg-turbo project).
"""

from __future__ import annotations

import re
from typing import BinaryIO

_SEGMENT_HEADER_BYTES = 4
_CHUNK_BYTES = 1 << 20
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
"""A marker that ends coded data: neither a stuffed byte, nor a restart, nor filling (ITU-T T.81, B.1.1)."""
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9


def count_scans(body: BinaryIO, *, at_most: int) -> int:
    """How many scans the first image of a JPEG file has; stops at `at_most`.

    Args:
        body: the file, seekable; left at an unspecified position.
        at_most: when to stop counting.
    """
    scans, position = 0, 2
    while scans < at_most and (found := _next_marker(body, position)):
        marker, position = found
        if marker == _END_OF_IMAGE:
            break
        if marker == _START_OF_SCAN:
            scans += 1
        body.seek(position)
        position += int.from_bytes(body.read(2), "big")
    return scans


def _next_marker(body: BinaryIO, position: int) -> tuple[int, int] | None:
    """The next marker's code and where its segment starts, None at the end of the file."""
    body.seek(position)
    size = _SEGMENT_HEADER_BYTES  # where a segment ends, the next begins; only coded data has to be searched
    while chunk := body.read(size):
        if found := _MARKER.search(chunk):
            return chunk[found.start() + 1], position + found.end()
        if len(chunk) == 1:
            return None
        size = _CHUNK_BYTES
        position += len(chunk) - 1  # a marker may lie across two chunks
        body.seek(position)
    return None
