"""A file with a limit on the number of reads, against hostile files with huge numbers of small segments."""

from __future__ import annotations

import io
from typing import BinaryIO

# A photograph takes some hundred reads. A GIF takes the most: its blocks of 255 bytes are read twice, to count frames
# and by Pillow, each time the length and then the block; that is one read for each 64 bytes.
_MIN_READS = 100_000
_BYTES_PER_READ = 32


class CountedReader:
    """A binary file, with the methods that decoders use, that limits the number of reads.

    Args:
        body: the file, seekable.
    """

    def __init__(self, body: BinaryIO) -> None:
        self._body = body
        self._reads_left = _MIN_READS + body.seek(0, io.SEEK_END) // _BYTES_PER_READ

    def read(self, size: int = -1) -> bytes:
        """Read from the file.

        Raises:
            ValueError: the limit is reached.
        """
        if self._reads_left == 0:
            raise ValueError("it is split into too many pieces")
        self._reads_left -= 1
        return self._body.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek in the file."""
        return self._body.seek(offset, whence)

    def tell(self) -> int:
        """The file's position."""
        return self._body.tell()

    def fileno(self) -> int:
        """The file's descriptor, so that libtiff reads the file without a copy in memory."""
        return self._body.fileno()
