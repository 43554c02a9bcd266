"""Reads text of any supported encoding and compression in pieces, in little memory."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from typing import BinaryIO, cast

GZIP_START = b"\x1f\x8b"
GZIP, UNCOMPRESSED = "gzip", "none"
PIECE_BYTES = 1 << 20
START_BYTES = 1 << 18
"""The number of first bytes in which a table's layout is recognized."""


def pieces(body: BinaryIO, compression: str) -> Iterator[bytes]:
    """The decompressed content.

    Args:
        body: the file; it is read once, from its position.
        compression: GZIP or UNCOMPRESSED.

    Raises:
        OSError, EOFError, zlib.error: the compressed file is damaged.
    """
    content = cast(BinaryIO, gzip.GzipFile(fileobj=body)) if compression == GZIP else body
    while piece := content.read(PIECE_BYTES):
        yield piece


def decoded(content: Iterator[bytes], encoding: str, errors: str = "strict") -> Iterator[str]:
    r"""The decoded content, in which every line ends with ``\n``.

    Args:
        content: what `pieces` returned.
        encoding: Python's name.
        errors: what is done with bytes that are not in this encoding, as for `bytes.decode`.

    Raises:
        UnicodeDecodeError: it is not in this encoding, and `errors` is strict.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    is_after_return = False
    for piece in content:
        text = decoder.decode(piece)
        if is_after_return and text:
            text = text.removeprefix("\n")
        is_after_return = text.endswith("\r") if text else is_after_return
        yield text.replace("\r\n", "\n").replace("\r", "\n")
    yield decoder.decode(b"", final=True)


def first_lines(start: bytes, encoding: str, *, is_cut: bool) -> str:
    """The decoded first bytes of a text, without the last line if it is cut.

    Args:
        start: the bytes.
        encoding: Python's name.
        is_cut: whether the text goes on.
    """
    text = "".join(decoded(iter([start]), encoding, errors="ignore"))
    return text.rpartition("\n")[0] if is_cut else text


def marked_encoding(start: bytes) -> str:
    """Python's name of the encoding that a byte order mark stands for; "" without one."""
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""
