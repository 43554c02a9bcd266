"""Reads a WebP's size from its header, because Pillow allocates the whole canvas before it returns the size."""

from __future__ import annotations

from typing import BinaryIO

_HEADER_BYTES = 30
_SIDE = 0x3FFF


def canvas_size(body: BinaryIO) -> tuple[int, int]:
    """Width and height; (0, 0) if the header is invalid.

    They are in the first chunk: in VP8X minus one in 24 bits each, in VP8L minus one in 14 bits each after a signature,
    in VP8 in 14 bits each after a start code (WebP Container Specification; RFC 6386, 9.1; RFC 9649, 3.4).

    Args:
        body: the file, seekable; left at an unspecified position.
    """
    body.seek(0)
    header = body.read(_HEADER_BYTES).ljust(_HEADER_BYTES, b"\0")
    match header[12:16]:
        case b"VP8X":
            return int.from_bytes(header[24:27], "little") + 1, int.from_bytes(header[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(header[21:25], "little")
            return (bits & _SIDE) + 1, (bits >> 14 & _SIDE) + 1
        case b"VP8 ":
            return int.from_bytes(header[26:28], "little") & _SIDE, int.from_bytes(header[28:30], "little") & _SIDE
        case _:
            return 0, 0
