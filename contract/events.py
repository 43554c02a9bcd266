"""Events that start the workflow for a file: S3's, GuardDuty's, and the pipeline's own.

The pipeline's own are S3's or GuardDuty's with a `run` or a `sequencer` in addition to the detail.

Sources: Amazon S3 User Guide, "EventBridge event message structure"; Amazon GuardDuty User Guide, "Monitoring S3 object
scans with Amazon EventBridge".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

S3_SOURCE = "aws.s3"
OBJECT_CREATED = "Object Created"
OBJECT_DELETED = "Object Deleted"
GUARDDUTY_SOURCE = "aws.guardduty"
SCAN_RESULT = "GuardDuty Malware Protection Object Scan Result"

DELETE_OBJECT = "DeleteObject"
"""The `reason` of a deletion by a request; the bucket's lifecycle gives "Lifecycle Expiration"."""

DELETE_MARKER_CREATED, PERMANENTLY_DELETED = "Delete Marker Created", "Permanently Deleted"
"""The `deletion-type` of a deletion: the key has no current version any more, or one version is gone for good."""

RUN = "run"
"""Beside `detail`: the id of a request to process a finished file again. A later request compares greater."""

SEQUENCER = "sequencer"
"""Beside the `detail` of a scan, which has no sequencer: the one that is recorded for the version."""


@dataclass(frozen=True, kw_only=True)
class ObjectVersion:
    """One version of one object in the ingest bucket.

    Args:
        bucket: the bucket's name.
        key: the object's key, not URL-encoded.
        version_id: S3's version id.
    """

    bucket: str
    key: str
    version_id: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key} version {self.version_id}"


def object_created(
    version: ObjectVersion, *, bytes: int, etag: str, sequencer: str, reason: str, time: str, region: str
) -> dict[str, Any]:
    """The event that S3 sends when an object is stored.

    Args:
        version: the version that was stored.
        bytes: its size.
        etag: its entity tag, without quotes.
        sequencer: orders the versions of one key.
        reason: the API call that stored it; another value if the event is not S3's.
        time: when it was stored, ISO 8601.
        region: where the bucket is.
    """
    return {
        **_common(OBJECT_CREATED, S3_SOURCE, time, region),
        "resources": [f"arn:aws:s3:::{version.bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": version.bucket},
            "object": {
                "key": version.key,
                "size": bytes,
                "etag": etag,
                "version-id": version.version_id,
                "sequencer": sequencer,
            },
            "reason": reason,
        },
    }


def scan_result(
    version: ObjectVersion, *, etag: str, status: str, threats: Sequence[str] = (), time: str, region: str
) -> dict[str, Any]:
    """The event that GuardDuty sends when it has scanned an object.

    Args:
        version: the version that was scanned.
        etag: its entity tag, without quotes.
        status: the scan's result, see `contract.scan.ScanResult`.
        threats: names of the threats that were found.
        time: when the scan ended, ISO 8601.
        region: where the bucket is.
    """
    return {
        **_common(SCAN_RESULT, GUARDDUTY_SOURCE, time, region),
        "resources": [],
        "detail": scan_result_detail(version, etag=etag, status=status, threats=threats),
    }


def scan_result_detail(
    version: ObjectVersion, *, etag: str, status: str, threats: Sequence[str] = (), scan_status: str = "COMPLETED"
) -> dict[str, Any]:
    """The `detail` of `scan_result`; `scan_status` says whether the scan took place: COMPLETED, SKIPPED or FAILED."""
    return {
        "schemaVersion": "1.0",
        "scanStatus": scan_status,
        "resourceType": "S3_OBJECT",
        "s3ObjectDetails": {
            "bucketName": version.bucket,
            "objectKey": version.key,
            "eTag": etag,
            "versionId": version.version_id,
            "s3Throttled": False,
        },
        "scanResultDetails": {
            "scanResultStatus": status,
            "threats": [{"name": name} for name in threats] or None,
        },
    }


def announced_version(event: Mapping[str, Any]) -> ObjectVersion:
    """The object version of an event of S3 or GuardDuty.

    Raises:
        KeyError, TypeError: it is not an event of either.
    """
    detail = event["detail"]
    if scanned := detail.get("s3ObjectDetails"):
        return ObjectVersion(bucket=scanned["bucketName"], key=scanned["objectKey"], version_id=scanned["versionId"])
    stored = detail["object"]
    return ObjectVersion(bucket=detail["bucket"]["name"], key=stored["key"], version_id=stored["version-id"])


def as_message(event: Mapping[str, Any], *, run: str = "") -> str:
    """The body of the transform queue's message about an event.

    Args:
        event: the event.
        run: processes a finished file again, see `RUN`; if empty, a finished file is not processed again.
    """
    return json.dumps({**event, RUN: run} if run else dict(event))


def new_run() -> str:
    """A new id of a request to process finished files again; later ids compare greater.

    See components/workflow/file_workflow.py.
    """
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _common(detail_type: str, source: str, time: str, region: str) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "time": time,
        "region": region,
    }
