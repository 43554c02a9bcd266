"""S3 and DynamoDB in memory: the methods of each client that the functions use, with AWS's responses and errors."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

from botocore.exceptions import ClientError
from botocore.response import StreamingBody


def client_error(code: str, status: int, operation: str = "GetObject") -> ClientError:
    """The error response of an AWS service."""
    response: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


@dataclass(frozen=True)
class StoredObject:
    """A stored object."""

    body: bytes
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FakeS3:
    """Objects by (bucket, key, version); objects that are written without a version have version "".

    `failures` and `write_failures` are raised in order by the next calls (with None, a call succeeds), and
    `failing_keys` whenever that key is read. `ranges` are the received Range headers. With `is_truncated`, bodies end
    halfway. `listing` is the list of versions, oldest first.
    """

    objects: dict[tuple[str, str, str], StoredObject] = field(default_factory=dict)
    failures: list[Exception | None] = field(default_factory=list)
    write_failures: list[Exception] = field(default_factory=list)
    failing_keys: dict[str, Exception] = field(default_factory=dict)
    ranges: list[str] = field(default_factory=list)
    is_truncated: bool = False
    listing: list[dict[str, Any]] = field(default_factory=list)
    listing_failures: list[Exception] = field(default_factory=list)

    def add(
        self,
        key: str,
        body: bytes,
        content_type: str = "",
        version: str = "v1",
        bucket: str = "ingest",
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Store an upload."""
        self.objects[bucket, key, version] = StoredObject(body, content_type, metadata or {})

    def get_object(self, *, Bucket: str, Key: str, VersionId: str = "", Range: str = "") -> dict[str, Any]:
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        if Key in self.failing_keys:
            raise self.failing_keys[Key]
        if (Bucket, Key, VersionId) not in self.objects:
            raise client_error("NoSuchVersion", 404)
        stored = self.objects[Bucket, Key, VersionId]
        body = stored.body
        if Range:
            self.ranges.append(Range)
            first, last = (int(number) for number in re.findall(r"\d+", Range))
            body = body[first : last + 1]
        stream = io.BytesIO(body[: len(body) // 2] if self.is_truncated else body)
        return {
            "Body": StreamingBody(stream, len(body)),
            "ContentLength": len(body),
            "ContentType": stored.content_type or "binary/octet-stream",
            "Metadata": dict(stored.metadata),
        }

    def list_version(self, key: str, version: str, second: int, size: int = 1) -> None:
        """Add a version to the list, newer than those in it."""
        stored_at = datetime.fromtimestamp(second, UTC)
        self.listing.append({"Key": key, "VersionId": version, "LastModified": stored_at, "Size": size})

    def get_paginator(self, operation: str) -> FakeS3:
        assert operation == "list_object_versions"
        return self

    def paginate(self, *, Bucket: str, Prefix: str, PaginationConfig: dict[str, int]) -> Iterator[dict[str, Any]]:
        """Keys in order, the newest version of each first; a page without versions has no `Versions`."""
        assert Bucket == "ingest"
        if self.listing_failures:
            raise self.listing_failures.pop(0)
        newest_first = reversed([version for version in self.listing if version["Key"].startswith(Prefix)])
        listed = sorted(newest_first, key=lambda version: version["Key"])
        size = PaginationConfig["PageSize"]
        yield {"DeleteMarkers": []}
        for start in range(0, len(listed), size):
            yield {"Versions": listed[start : start + size]}

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: BinaryIO,
        ContentType: str,
        CacheControl: str,  # noqa: ARG002
        Metadata: dict[str, str],
    ) -> dict[str, Any]:
        assert all(isinstance(value, str) for value in Metadata.values())
        if self.write_failures:
            raise self.write_failures.pop(0)
        self.objects[Bucket, Key, ""] = StoredObject(Body.read(), ContentType)
        return {}


@dataclass
class FakeDynamoDB:
    """One table, keyed by `sha256`."""

    notes: dict[str, str | None] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)

    def get_item(self, *, TableName: str, Key: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        if self.failures:
            raise self.failures.pop(0)
        sha256 = Key["sha256"]["S"]
        if sha256 not in self.notes:
            return {}
        note = self.notes[sha256]
        return {"Item": {**Key, **({"note": {"S": note}} if note else {})}}
