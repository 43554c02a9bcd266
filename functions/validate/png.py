"""Checks a PNG's image data against its checksums and its number of pixels, which Pillow does not.

Pillow decodes most damaged data to a wrong picture, and leaves the rest of the picture black if data is missing.
"""

from __future__ import annotations

import zlib
from struct import Struct
from typing import BinaryIO

from functions.shared.png_chunks import CHECKSUM, chunks

# PNG Specification (Third Edition), 11.2.1: IHDR; 11.3.6: fcTL, and fdAT, which starts with a sequence number.
_HEADER = Struct(">IIBB2xB")
_FRAME = Struct(">4xII")
_SEQUENCE_BYTES = 4

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples in a pixel by colour type (table 9)."""

_WHOLE = ((0, 0, 1, 1),)
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Each pass's first column and row and the steps between them (8.1)."""

_PIECE_BYTES = 1 << 20


class _Inflater:
    """Counts the bytes that a frame's data inflates to.

    Args:
        expected: the number of bytes of the frame's pixels.
    """

    def __init__(self, expected: int) -> None:
        self._stream = zlib.decompressobj()
        self._missing = expected
        self._is_fed = False

    def feed(self, data: bytes) -> None:
        """Inflate the next data, at most to the end of the pixels.

        Raises:
            zlib.error: it cannot be inflated.
        """
        self._is_fed = True
        while data and self._missing > 0:
            self._missing -= len(self._stream.decompress(data, _PIECE_BYTES))
            data = self._stream.unconsumed_tail

    def finish(self) -> None:
        """Check that no pixels are missing; the decoder checks that a frame has data.

        Raises:
            ValueError: pixels are missing.
        """
        if self._is_fed and self._missing > 0 and self._missing > len(self._stream.flush()):
            raise ValueError("its data ends before its last row")


def check_data(body: BinaryIO) -> None:
    """Read all image data of a PNG or an animated PNG.

    Args:
        body: the file, seekable; its position is restored, because Pillow continues to read from there.

    Raises:
        ValueError, zlib.error, struct.error, KeyError: the data is damaged or incomplete.
    """
    position = body.tell()
    bits, is_interlaced = 0, False
    inflater = _Inflater(0)
    for name, length in chunks(body):
        match name:
            case b"IHDR":
                width, height, depth, colour_type, is_interlaced = _HEADER.unpack(body.read(_HEADER.size))
                bits = depth * _SAMPLES[colour_type]
                inflater = _Inflater(_data_bytes(width, height, bits, is_interlaced))
            case b"fcTL":
                inflater.finish()
                width, height = _FRAME.unpack(body.read(_FRAME.size))
                inflater = _Inflater(_data_bytes(width, height, bits, is_interlaced))
            case b"IDAT" | b"fdAT":
                _check_chunk(body, name, length, inflater)
    inflater.finish()
    body.seek(position)


def _check_chunk(body: BinaryIO, name: bytes, length: int, inflater: _Inflater) -> None:
    checksum = zlib.crc32(name)
    if name == b"fdAT":
        sequence = body.read(_SEQUENCE_BYTES)
        checksum = zlib.crc32(sequence, checksum)
        length -= _SEQUENCE_BYTES
    while length > 0 and (piece := body.read(min(length, _PIECE_BYTES))):
        checksum = zlib.crc32(piece, checksum)
        inflater.feed(piece)
        length -= len(piece)
    stored = body.read(CHECKSUM.size)
    if len(stored) < CHECKSUM.size:
        raise ValueError("the file ends within its data")
    if CHECKSUM.unpack(stored)[0] != checksum:
        raise ValueError("its data does not match its checksum")


def _data_bytes(width: int, height: int, bits: int, is_interlaced: bool) -> int:
    """The size of all rows, each with one byte for its filter (7.2 and 9.2)."""
    total = 0
    for left, top, across, down in _ADAM7 if is_interlaced else _WHOLE:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total
