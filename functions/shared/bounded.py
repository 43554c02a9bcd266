"""A file from which no more is read than it has, whatever length a damaged header declares."""

from __future__ import annotations

import io
from typing import BinaryIO

# Python allocates the memory for a read before it knows how much there is; up to this size that does not matter.
_SMALL_BYTES = 1 << 16


class BoundedReader:
    """A binary file, with the methods that decoders use; a read never asks it for more than it has left.

    Args:
        body: the file, seekable.
    """

    def __init__(self, body: BinaryIO) -> None:
        self._body = body
        self.size = body.seek(0, io.SEEK_END)

    def read(self, size: int = -1) -> bytes:
        """Read from the file."""
        if size > _SMALL_BYTES:
            size = min(size, max(0, self.size - self._body.tell()))
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
