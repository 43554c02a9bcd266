"""Reads the exact file version that an event names: the key may have a newer version by now."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from functions.shared.aws import MISSING_CODES, error_code, failures_named
from functions.shared.errors import SourceMissingError

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class FileVersion:
    """One version of one file in the ingest bucket, as the workflow's `file` names it.

    Args:
        bucket: the ingest bucket.
        file_key: the object's key, not URL-encoded.
        version_id: S3's version id.
        bytes: its size, from the event.
        execution_name: the workflow execution, for the logs.
    """

    bucket: str
    file_key: str
    version_id: str
    bytes: int
    execution_name: str = ""

    @classmethod
    def from_payload(cls, file: Mapping[str, Any]) -> FileVersion:
        """Read the workflow's `file`."""
        return cls(
            bucket=file["bucket"],
            file_key=file["fileKey"],
            version_id=file["versionId"],
            bytes=int(file["bytes"]),
            execution_name=file.get("executionName", ""),
        )

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.file_key} version {self.version_id}"


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file version on local disk.

    Args:
        body: its bytes, opened for reading at their start; empty if `bytes` is over the limit.
        content_type: the content type that the uploader declared, "" if none.
        bytes: the object's actual size.
        sha256: hex digest of `body`.
        metadata: what the uploader sent as `x-amz-meta-…`, by the name behind that, in lower case.
    """

    body: BinaryIO
    content_type: str
    bytes: int
    sha256: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def downloaded(s3: Any, version: FileVersion, *, max_bytes: int) -> Iterator[Download]:
    """Download and hash a file version, to a temporary file that is deleted when the block ends.

    A file larger than `max_bytes` is not downloaded: `body` is empty, and `bytes` is its size.

    Args:
        s3: an S3 client.
        version: the file version.
        max_bytes: the largest file to download.

    Raises:
        SourceMissingError: the version does not exist.
        TransientError, AccessError: the read failed, see `aws.failures_named`.
    """
    with tempfile.TemporaryFile() as body:
        response = _get(s3, version)
        digest = hashlib.sha256()
        with closing(response["Body"]) as stream:
            if response["ContentLength"] <= max_bytes:
                with failures_named(f"read {version}"):
                    while chunk := stream.read(_CHUNK_BYTES):
                        digest.update(chunk)
                        body.write(chunk)
        body.seek(0)
        yield Download(
            body=body,
            content_type=response.get("ContentType", ""),
            bytes=response["ContentLength"],
            sha256=digest.hexdigest(),
            metadata={name.lower(): value for name, value in response.get("Metadata", {}).items()},
        )


@contextmanager
def streamed(s3: Any, version: FileVersion) -> Iterator[BinaryIO]:
    """Read a file version once, in order, without storing it.

    Args:
        s3: an S3 client.
        version: the file version.

    Raises:
        SourceMissingError: the version does not exist.
        TransientError, AccessError: the read failed, see `aws.failures_named`.
    """
    with closing(_get(s3, version)["Body"]) as stream, failures_named(f"read {version}"):
        yield stream


def _get(s3: Any, version: FileVersion, **extra: str) -> dict[str, Any]:
    with failures_named(f"read {version}"):
        try:
            return s3.get_object(Bucket=version.bucket, Key=version.file_key, VersionId=version.version_id, **extra)
        except ClientError as error:
            if error_code(error) in MISSING_CODES:
                raise SourceMissingError(
                    f"{version} was deleted before it could be read. Upload the file again."
                ) from error
            raise


class RangedReader(io.RawIOBase):
    """A file version as a seekable file that downloads only what is read, by ranged GET, and no byte twice.

    The first request is small, enough for most headers. Each sequential read doubles the size of the next request, so a
    decoder that reads the whole file makes few requests; after a seek, requests start small again.

    Args:
        s3: an S3 client.
        version: the file version; its `bytes` must be the object's size.
    """

    FIRST_BYTES = 64 << 10
    LARGEST_BYTES = 8 << 20

    def __init__(self, s3: Any, version: FileVersion) -> None:
        self._s3 = s3
        self._version = version
        self._position = 0
        self._pieces: dict[int, bytes] = {}
        self._last_end = 0
        self._next_fetch = self.FIRST_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._version.bytes}[whence]
        if base + offset < 0:
            raise ValueError(f"cannot seek to {base + offset}, before the file's start")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        wanted = min(len(buffer), self._version.bytes - self._position)
        if wanted <= 0:
            return 0
        piece = (self._downloaded() or self._fetched(wanted))[:wanted]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        """Read to the end of the file, with one request for what is not downloaded yet."""
        left = bytearray(max(0, self._version.bytes - self._position))
        filled = 0
        while count := self.readinto(memoryview(left)[filled:]):
            filled += count
        return bytes(left[:filled])

    def _downloaded(self) -> memoryview | None:
        """The downloaded bytes that start at the current position; None if there are none."""
        for start, piece in self._pieces.items():
            if start <= self._position < start + len(piece):
                return memoryview(piece)[self._position - start :]
        return None

    def _fetched(self, wanted: int) -> memoryview:
        size = max(wanted, self._next_fetch if self._position == self._last_end else self.FIRST_BYTES)
        known = [start for start in self._pieces if start > self._position]
        end = min(self._position + size, *known, self._version.bytes)
        response = _get(self._s3, self._version, Range=f"bytes={self._position}-{end - 1}")
        with closing(response["Body"]) as stream, failures_named(f"read {self._version}"):
            piece = self._pieces[self._position] = stream.read()
        self._last_end = end
        self._next_fetch = min(2 * size, self.LARGEST_BYTES)
        return memoryview(piece)
