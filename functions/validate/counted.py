"""A file that may be read only so often: decoders walk headers piece by piece, however many a hostile file has."""

from __future__ import annotations

import io
from typing import BinaryIO

# A photograph takes some hundred reads. A GIF takes the most: its blocks of 255 bytes are read four times, by our count
# of its frames and by Pillow, each time the length and then the block; that is one read for 64 bytes.
_READS_ALWAYS = 100_000
_BYTES_PER_READ = 32


class CountedReader:
    """As much of a binary file as decoders use, refusing once it was read more often than any real image is.

    Args:
        body: the file, seekable.
    """

    def __init__(self, body: BinaryIO) -> None:
        self._body = body
        self._reads_left = _READS_ALWAYS + body.seek(0, io.SEEK_END) // _BYTES_PER_READ

    def read(self, size: int = -1) -> bytes:
        """Read as the file does.

        Raises:
            ValueError: it was read too often.
        """
        if self._reads_left == 0:
            raise ValueError("it is cut into more pieces than any real image is")
        self._reads_left -= 1
        return self._body.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek as the file does."""
        return self._body.seek(offset, whence)

    def tell(self) -> int:
        """Where the file stands."""
        return self._body.tell()

    def fileno(self) -> int:
        """The file's descriptor: libtiff reads by it, which saves a copy of the file."""
        return self._body.fileno()
