"""The event with which a file enters the workflow, for files that have been announced long ago or never."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from client.moving import OutgoingMessage
from client.uploads import Upload
from contract.events import SEQUENCER, ObjectVersion, announced_version, as_message, object_created, scan_result


@dataclass(frozen=True, kw_only=True)
class StoredVersion:
    """A version of a file in the ingest bucket.

    Attributes:
        sequencer: what orders it among the versions of its file; "" where the workflow has to find that out.
        created_at: when S3 stored it, as an ISO 8601 time.
        scan_status: the result of its malware scan; "" on a stack that does not scan.
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
        version: the version.
        region: where the stack is.
        reason: the event's `reason`, where S3 names the API call that stored the object.
        run: the request that the file goes through again; empty leaves a finished file alone.
    """
    upload = version.upload
    place = ObjectVersion(bucket=upload.bucket, key=upload.file_key, version_id=upload.version_id)
    if version.scan_status:
        event = scan_result(
            place, etag=version.etag, status=version.scan_status, time=version.created_at, region=region
        )
        if version.sequencer:
            # GuardDuty knows none, and the workflow would not find the one that is recorded.
            event[SEQUENCER] = version.sequencer
    else:
        event = object_created(
            place,
            bytes=version.size,
            etag=version.etag,
            sequencer=version.sequencer,
            reason=reason,
            time=version.created_at,
            region=region,
        )
    return OutgoingMessage(body=as_message(event, run=run))


def again(event: Mapping[str, Any], run: str) -> OutgoingMessage:
    """The message that has an event's file go through again, even if it is finished."""
    return OutgoingMessage(body=as_message(event, run=run))


def announced(event: Mapping[str, Any]) -> Upload:
    """The version that an event is about, whoever sent it.

    Raises:
        KeyError, TypeError: it is no such event.
    """
    version = announced_version(event)
    return Upload(bucket=version.bucket, file_key=version.key, version_id=version.version_id)
