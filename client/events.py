"""The event with which a file enters the workflow, for files that have been announced long ago or never."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from client.moving import OutgoingMessage
from client.uploads import Upload


@dataclass(frozen=True, kw_only=True)
class StoredVersion:
    """A version of a file in the ingest bucket.

    Attributes:
        sequencer: what orders it among the versions of its file; "" where the workflow has to find that out.
        created_at: when S3 stored it, as an ISO 8601 time.
        scan_status: what the malware scan said of it; "" on a stack that does not scan.
    """

    upload: Upload
    size: int
    etag: str
    sequencer: str
    created_at: str
    scan_status: str = ""


def new_run() -> str:
    """The name of a request that finished files go through again; a later one is greater.

    See components/workflow/file_workflow.py.
    """
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def announcement(version: StoredVersion, *, region: str, reason: str, run: str = "") -> OutgoingMessage:
    """The message that the transform queue would get about a version: of S3, or of its scan where there was one.

    Args:
        reason: stands where S3 names the API call that stored the object.
        run: the request that the file goes through again; empty leaves a finished file alone.
    """
    common = {"version": "0", "id": str(uuid.uuid4()), "time": version.created_at, "region": region}
    event = common | (_scan_result(version) if version.scan_status else _object_created(version, reason))
    return again(event, run) if run else OutgoingMessage(body=json.dumps(event))


def again(event: Mapping[str, Any], run: str) -> OutgoingMessage:
    """The message that has an event's file go through again, even if it is finished."""
    return OutgoingMessage(body=json.dumps({**event, "run": run}))


def announced(event: Mapping[str, Any]) -> Upload:
    """The version that an event is about, whoever sent it.

    Raises:
        KeyError, TypeError: it is no such event.
    """
    detail = event["detail"]
    if scanned := detail.get("s3ObjectDetails"):
        return Upload(bucket=scanned["bucketName"], file_key=scanned["objectKey"], version_id=scanned["versionId"])
    stored = detail["object"]
    return Upload(bucket=detail["bucket"]["name"], file_key=stored["key"], version_id=stored["version-id"])


def _object_created(version: StoredVersion, reason: str) -> dict[str, Any]:
    """As S3 sends it ("Amazon S3 User Guide", EventBridge event message structure)."""
    return {
        "detail-type": "Object Created",
        "source": "aws.s3",
        "resources": [f"arn:aws:s3:::{version.upload.bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": version.upload.bucket},
            "object": {
                "key": version.upload.file_key,
                "size": version.size,
                "etag": version.etag,
                "version-id": version.upload.version_id,
                "sequencer": version.sequencer,
            },
            "reason": reason,
        },
    }


def _scan_result(version: StoredVersion) -> dict[str, Any]:
    """As GuardDuty sends it ("Monitoring S3 object scans with Amazon EventBridge", Amazon GuardDuty User Guide).

    The sequencer is ours: GuardDuty knows none, and the workflow would not find the one that is recorded.
    """
    return {
        "detail-type": "GuardDuty Malware Protection Object Scan Result",
        "source": "aws.guardduty",
        "resources": [],
        "detail": {
            "schemaVersion": "1.0",
            "scanStatus": "COMPLETED",
            "resourceType": "S3_OBJECT",
            "s3ObjectDetails": {
                "bucketName": version.upload.bucket,
                "objectKey": version.upload.file_key,
                "eTag": version.etag,
                "versionId": version.upload.version_id,
                "s3Throttled": False,
            },
            "scanResultDetails": {"scanResultStatus": version.scan_status, "threats": None},
        },
        **({"sequencer": version.sequencer} if version.sequencer else {}),
    }
