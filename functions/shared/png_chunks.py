"""Iterates over a PNG's chunks without decoding, and copies those that describe the picture."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO

from functions.shared.bounded import BoundedReader

# PNG Specification (Third Edition), 5.3: each chunk is its data's length, its type, the data, and a CRC over type and
# data.
_SIGNATURE_BYTES = 8
_CHUNK = Struct(">I4s")
CHECKSUM = Struct(">I")

_DESCRIBING = frozenset({b"IHDR", b"eXIf", b"tEXt", b"zTXt", b"iTXt"})


def chunks(body: BinaryIO | BoundedReader) -> Iterator[tuple[bytes, int]]:
    """Each chunk's type and length in bytes, with the file at its data; the decoder checks that no chunk is missing."""
    position = _SIGNATURE_BYTES
    while True:
        body.seek(position)
        header = body.read(_CHUNK.size)
        if len(header) < _CHUNK.size:
            return
        length, name = _CHUNK.unpack(header)
        yield name, length
        if name == b"IEND":
            return
        position += _CHUNK.size + length + CHECKSUM.size


def without_pixels(body: BinaryIO) -> io.BytesIO:
    """A copy with the header, EXIF and texts only: a decoder that looks for them after the pixels would inflate those.

    Args:
        body: the file, seekable.
    """
    bounded = BoundedReader(body)
    bounded.seek(0)
    copy = io.BytesIO()
    copy.write(bounded.read(_SIGNATURE_BYTES))
    for name, length in chunks(bounded):
        if name in _DESCRIBING:
            _add(copy, name, bounded.read(length))
    _add(copy, b"IEND", b"")
    copy.seek(0)
    return copy


def _add(copy: io.BytesIO, name: bytes, data: bytes) -> None:
    copy.write(_CHUNK.pack(len(data), name) + data + CHECKSUM.pack(zlib.crc32(name + data)))
