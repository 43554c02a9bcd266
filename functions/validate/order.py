"""Derives a sequencer for a scanned version: S3's events have a sequencer, the events of scans have none.

A derived sequencer is the time in seconds at which S3 stored the version, then the number of older versions of the key
that S3 stored within that second, eight hexadecimal digits each, padded with zeros to 32. S3 lists a key's versions in
order ("ListObjectVersions", Amazon S3 API Reference), with times in whole seconds. The result does not depend on when
they are listed, so a version that is processed twice has the same sequencer twice.

In all of AWS's examples, S3's own sequencers also begin with the time in seconds, at the same digit. So the versions of
a key stay in order if a stack starts or stops scanning, although AWS guarantees only the order of its own sequencers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.shared.aws import failures_named
from functions.shared.source import FileVersion

SEQUENCER_DIGITS = 32
UNKNOWN_SEQUENCER = "0" * SEQUENCER_DIGITS
"""The sequencer in the workflow's `file` until validate has derived one."""

# Few keys have more; the list may also contain other keys with the same prefix.
_VERSIONS_PER_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class ListedVersion:
    """A version in the list of its key's versions.

    Args:
        bytes: its size.
        sequencer: 32 hexadecimal digits; compared as text.
    """

    bytes: int
    sequencer: str


def find_version(s3: Any, version: FileVersion) -> ListedVersion | None:
    """Find a version in the list of versions; None if it does not exist.

    Args:
        s3: an S3 client; no object is read.
        version: the version.

    Raises:
        TransientError, AccessError: the list could not be read, see `aws.failures_named`.
    """
    found: Mapping[str, Any] | None = None
    older_within_second = 0
    with failures_named(f"list the versions of s3://{version.bucket}/{version.file_key}"):
        for listed in _newest_first(s3, version):
            if found is None:
                found = listed if listed["VersionId"] == version.version_id else None
            elif _second(listed["LastModified"]) == _second(found["LastModified"]):
                older_within_second += 1
            else:
                break
    if found is None:
        return None
    return ListedVersion(bytes=found["Size"], sequencer=_sequencer(_second(found["LastModified"]), older_within_second))


def sequencer_at(time: str) -> str:
    """The sequencer of something that happened at an ISO 8601 time."""
    return _sequencer(_second(datetime.fromisoformat(time)), 0)


def _newest_first(s3: Any, version: FileVersion) -> Iterator[Mapping[str, Any]]:
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=version.bucket, Prefix=version.file_key, PaginationConfig={"PageSize": _VERSIONS_PER_PAGE}
    )
    for page in pages:
        for listed in page.get("Versions", []):
            if listed["Key"] != version.file_key:
                return
            yield listed


def _second(time: datetime) -> int:
    return int(time.timestamp())


def _sequencer(second: int, older_within_second: int) -> str:
    return f"{second:08X}{older_within_second:08X}".rjust(SEQUENCER_DIGITS, "0")
