"""Measures a GIF's frames from its blocks, because Pillow would have to decode every frame."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import BinaryIO

# GIF89a Specification: Logical Screen Descriptor behind the signature, and Image Descriptor.
_SCREEN = Struct("<6xHHBxx")
_IMAGE = Struct("<HHHHB")
_COMMENT = 0xFE


class _Block(IntEnum):
    """The byte that introduces a block."""

    EXTENSION = 0x21
    IMAGE = 0x2C
    TRAILER = 0x3B


def frame_sizes(body: BinaryIO) -> Iterator[tuple[int, int]]:
    """The canvas size of each frame, in order; a frame outside the screen enlarges the canvas, as in Pillow.

    Args:
        body: the file, seekable; left at an unspecified position.

    Raises:
        EOFError: the file ends within a block.
        ValueError: an extension has no data; Pillow and browsers disagree on where such an extension ends.
    """
    body.seek(0)
    width, height, flags = _SCREEN.unpack(_read(body, _SCREEN.size))
    _skip_colour_table(body, flags)
    while introducer := body.read(1):
        match introducer[0]:
            case _Block.IMAGE:
                left, top, frame_width, frame_height, flags = _IMAGE.unpack(_read(body, _IMAGE.size))
                width, height = max(width, left + frame_width), max(height, top + frame_height)
                yield width, height
                _skip_colour_table(body, flags)
                _read(body, 1)  # minimum code size
                _skip_sub_blocks(body)
            case _Block.EXTENSION:
                _skip_extension(body)
            case _Block.TRAILER:
                return


def _read(body: BinaryIO, count: int) -> bytes:
    data = body.read(count)
    if len(data) < count:
        raise EOFError("the file ends within a block")
    return data


def _skip_colour_table(body: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        _read(body, 3 * 2 ** ((flags & 7) + 1))


def _skip_extension(body: BinaryIO) -> None:
    label = _read(body, 1)[0]
    if not _skip_sub_blocks(body) and label != _COMMENT:
        raise ValueError("it has an extension without data")


def _skip_sub_blocks(body: BinaryIO) -> int:
    """Skip a sequence of sub-blocks and its terminator; return the number of data bytes."""
    total = 0
    while size := _read(body, 1)[0]:
        total += len(_read(body, size))
    return total
