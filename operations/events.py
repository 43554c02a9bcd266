"""The event with which a file enters the workflow, for files that S3 has announced long ago or never."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from operations.pipeline import Upload
from operations.replay import Copy


@dataclass(frozen=True, kw_only=True)
class StoredVersion:
    """A version of a file in the ingest bucket.

    Attributes:
        sequencer: what orders it among the versions of its file.
        created_at: when S3 stored it, as an ISO 8601 time.
    """

    upload: Upload
    size: int
    etag: str
    sequencer: str
    created_at: str


def new_run() -> str:
    """The name of a request that finished files go through again; a later one is greater (components/workflow.py)."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def object_created(version: StoredVersion, *, region: str, reason: str, run: str = "") -> Copy:
    """The message that the transform queue would get from S3 ("Amazon S3 User Guide", EventBridge event structure).

    Args:
        reason: stands where S3 names the API call that stored the object.
        run: the request that the file goes through again; empty leaves a finished file alone.
    """
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "time": version.created_at,
        "region": region,
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
    return again(event, run) if run else Copy(body=json.dumps(event))


def again(event: Mapping[str, Any], run: str) -> Copy:
    """The message that has an event's file go through again, even if it is finished."""
    return Copy(body=json.dumps({**event, "run": run}))
