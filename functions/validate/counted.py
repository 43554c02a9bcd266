"""A file with a limit on the number of reads, against hostile files with huge numbers of small segments."""

from __future__ import annotations

from typing import BinaryIO

from functions.shared.bounded import BoundedReader

# A photograph takes some hundred reads. A GIF takes the most: its blocks of 255 bytes are read twice, to count frames
# and by Pillow, each time the length and then the block; that is one read for each 64 bytes.
_MIN_READS = 100_000
_BYTES_PER_READ = 32


class CountedReader(BoundedReader):
    """A binary file that limits the number of reads.

    Args:
        body: the file, seekable.
    """

    def __init__(self, body: BinaryIO) -> None:
        super().__init__(body)
        self._reads_left = _MIN_READS + self.size // _BYTES_PER_READ

    def read(self, size: int = -1) -> bytes:
        """Read from the file.

        Raises:
            ValueError: the limit is reached.
        """
        if self._reads_left == 0:
            raise ValueError("it is split into too many pieces")
        self._reads_left -= 1
        return super().read(size)
