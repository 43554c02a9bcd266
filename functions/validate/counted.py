"""A file that may be read only so often: decoders walk headers piece by piece, however many a hostile file has."""

from __future__ import annotations

import io
from typing import BinaryIO

MOST_READS = 2_000_000
"""A photograph takes thousands of reads. The largest GIF of 50 MB, in blocks of 255 bytes, takes 800,000."""


class CountedReader:
    """As much of a binary file as decoders use, refusing once it was read `MOST_READS` times.

    Args:
        body: the file.
    """

    def __init__(self, body: BinaryIO) -> None:
        self._body = body
        self._reads = 0

    def read(self, size: int = -1) -> bytes:
        """Read as the file does.

        Raises:
            ValueError: it was read too often.
        """
        self._reads += 1
        if self._reads > MOST_READS:
            raise ValueError(f"it is cut into more than {MOST_READS:,} pieces, as no real image is")
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
