"""Which version of a key came when, where the event does not say: S3's own events have a sequencer, a scan's has none.

A sequencer made here is the second in which S3 stored the version, then how many older versions of the key S3 stored
within that second, eight hexadecimal digits each, padded with zeros to 32. S3 keeps the versions of a key in order
("ListObjectVersions", Amazon S3 API Reference) but tells their time in whole seconds only, and the list is the same
whenever one asks: two versions of one second compare alike whichever is looked at first, and a version that comes twice
has the same sequencer twice.

S3's own sequencers begin with the second too, at the same digit, in every example that AWS gives. So the records of a
stack stay in order when it begins to scan, or stops, although AWS promises no more than the order of its own.
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
"""What the workflow's `file` has until its place among the versions was looked up."""

# Few keys have more; the list may go on with other keys, which begin like this one.
_VERSIONS_PER_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Place:
    """A version among those of its key.

    Args:
        bytes: its size.
        sequencer: 32 digits; compares as text.
    """

    bytes: int
    sequencer: str


def place_of(s3: Any, version: FileVersion) -> Place | None:
    """Find a version's place; None if the version is gone.

    Args:
        s3: an S3 client; the list reads no object.
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
    return Place(bytes=found["Size"], sequencer=_sequencer(_second(found["LastModified"]), older_within_second))


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
