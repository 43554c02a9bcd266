"""Iterates over a JPEG's segments without decoding, and appends an end marker that is missing."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

START_OF_PROGRESSIVE_FRAME, START_OF_SCAN, END_OF_IMAGE = 0xC2, 0xDA, 0xD9

_SEGMENT_HEADER_BYTES = 4
_CHUNK_BYTES = 1 << 16

# A marker that ends coded data: not a stuffed byte, restart marker or fill byte (ITU-T T.81, B.1.1).
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")


def segments(body: BinaryIO) -> Iterator[tuple[int, int]]:
    """Each segment of a file's first image, in order, up to and including its end: (marker, where the marker starts).

    Args:
        body: the file, seekable; left at an unspecified position.
    """
    position = 2
    while found := _next_marker(body, position):
        marker, start = found
        yield marker, start
        if marker == END_OF_IMAGE:
            return
        body.seek(start + 2)
        position = start + 2 + int.from_bytes(body.read(2), "big")


class WithTail:
    """A binary file with bytes appended, by default an end marker: browsers show a picture that lacks only that.

    Args:
        body: the file, seekable.
        tail: the bytes to append.
    """

    def __init__(self, body: BinaryIO, tail: bytes = bytes([0xFF, END_OF_IMAGE])) -> None:
        self._body = body
        self._tail = self._tail_left = tail

    def read(self, size: int = -1) -> bytes:
        """Read from the file, and after its end from the tail."""
        data = self._body.read(size)
        if data or size == 0:
            return data
        end = size if size > 0 else len(self._tail_left)
        data, self._tail_left = self._tail_left[:end], self._tail_left[end:]
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek in the file."""
        self._tail_left = self._tail
        return self._body.seek(offset, whence)

    def tell(self) -> int:
        """The file's position."""
        return self._body.tell()


def _next_marker(body: BinaryIO, position: int) -> tuple[int, int] | None:
    body.seek(position)
    size = _SEGMENT_HEADER_BYTES  # segments are contiguous; only coded data has to be searched
    while chunk := body.read(size):
        if found := _MARKER.search(chunk):
            return chunk[found.start() + 1], position + found.start()
        if len(chunk) == 1:
            return None
        size = _CHUNK_BYTES
        position += len(chunk) - 1  # a marker may be split across two chunks
        body.seek(position)
    return None
