"""Measures a TIFF's pages from their directories, and rejects pages with more strips or tiles than their size allows.

Pillow lists all strips when it opens a file, and decodes all that a page declares, whatever the page's size: with a few
megabytes of offsets, that would take minutes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO

from functions.shared.variants import UnsupportedVariantError

# TIFF Revision 6.0, section 8: baseline fields, and section 15: tiles.
_WIDTH, _HEIGHT, _SAMPLES, _ROWS_PER_STRIP, _PLANES = 256, 257, 277, 278, 284
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_STRIP_OFFSETS, _TILE_OFFSETS = 273, 324
_SEPARATE_PLANES = 2

_MOST_PIECES = 100_000
"""A scan of 100 megapixels in tiles of 64 by 64 pixels has 25,000; Pillow keeps a record of each."""


class _Layout:
    """The layout of numbers: classic TIFF or BigTIFF, little-endian or big-endian.

    Args:
        header: the file's first 16 bytes.

    Raises:
        UnsupportedVariantError: Pillow does not read this combination.
    """

    def __init__(self, header: bytes) -> None:
        end = "<" if header[:2] == b"II" else ">"
        is_big = 43 in (header[2], header[3])
        if is_big and end == ">":
            raise UnsupportedVariantError("a big-endian BigTIFF")
        self.count = Struct(end + ("Q" if is_big else "H"))
        self.offset = Struct(end + ("Q" if is_big else "I"))
        self.entry = Struct(end + ("HHQ8s" if is_big else "HHI4s"))
        self.integers = {3: Struct(end + "H"), 4: Struct(end + "I"), 16: Struct(end + "Q")}
        self.first_offset_at = 8 if is_big else 4


def frame_sizes(body: BinaryIO) -> Iterator[tuple[int, int]]:
    """The stored width and height of each page, in order.

    Args:
        body: the file, seekable; left at an unspecified position.

    Raises:
        ValueError: a page has more strips or tiles than its size allows, or more fields than fit into the file.
        UnsupportedVariantError: it is a big-endian BigTIFF.
        struct.error, KeyError: a directory is incomplete, or has no width or height.
    """
    body.seek(0)
    header = body.read(16)
    layout = _Layout(header)
    (offset,) = layout.offset.unpack_from(header, layout.first_offset_at)
    seen = set()
    while offset and offset not in seen:
        seen.add(offset)
        body.seek(offset)
        page, counts = _directory(body, layout)
        _check_pieces(page, counts)
        yield page[_WIDTH], page[_HEIGHT]
        (offset,) = layout.offset.unpack(body.read(layout.offset.size))


def _directory(body: BinaryIO, layout: _Layout) -> tuple[dict[int, int], dict[int, int]]:
    """A directory's fields with a single number, and the number of values of each field."""
    (length,) = layout.count.unpack(body.read(layout.count.size))
    numbers, counts = {}, {}
    start = body.tell()
    if length * layout.entry.size > body.seek(0, io.SEEK_END) - start:
        raise ValueError(f"a directory of {length:,} fields does not fit into the file")
    body.seek(start)
    entries = body.read(length * layout.entry.size)
    for tag, kind, count, value in layout.entry.iter_unpack(entries):
        counts[tag] = count
        if count == 1 and kind in layout.integers:
            (numbers[tag],) = layout.integers[kind].unpack_from(value)
    return numbers, counts


def _check_pieces(page: dict[int, int], counts: dict[int, int]) -> None:
    width, height = page[_WIDTH], page[_HEIGHT]
    layers = page.get(_SAMPLES, 1) if page.get(_PLANES) == _SEPARATE_PLANES else 1
    strips = -(-height // (page.get(_ROWS_PER_STRIP) or height or 1))
    tiles = -(-width // (page.get(_TILE_WIDTH) or width or 1)) * -(-height // (page.get(_TILE_HEIGHT) or height or 1))
    for name, most in ((_STRIP_OFFSETS, strips), (_TILE_OFFSETS, tiles)):
        if counts.get(name, 0) > min(most * layers, _MOST_PIECES):
            raise ValueError(f"a page of {width} x {height} pixels is split into {counts[name]:,} pieces")
