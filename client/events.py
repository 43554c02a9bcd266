"""The event with which a file enters the workflow, for files whose event is old or was never sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.uploads import Upload
from contract.events import SEQUENCER, ObjectVersion, announced_version, as_message, object_created, scan_result
from contract.moving import OutgoingMessage


@dataclass(frozen=True, kw_only=True)
class StoredVersion:
    """A version of a file in the ingest bucket.

    Attributes:
        sequencer: its order among the versions of its file; "" if the workflow determines it.
        created_at: when S3 stored it, as an ISO 8601 time.
        scan_status: the result of its malware scan; "" on a stack that does not scan.
    """

    upload: Upload
    size: int
    etag: str
    sequencer: str
    created_at: str
    scan_status: str = ""


def announcement(version: StoredVersion, *, region: str, reason: str, run: str = "") -> OutgoingMessage:
    """The message about a version as the transform queue receives it: S3's event, or the scan result if there is one.

    Args:
        version: the version.
        region: where the stack is.
        reason: the event's `reason`; in S3's events, the API call that stored the object.
        run: the id of a request to process finished files again; empty to skip a finished file.
    """
    upload = version.upload
    place = ObjectVersion(bucket=upload.bucket, key=upload.file_key, version_id=upload.version_id)
    if version.scan_status:
        event = scan_result(
            place, etag=version.etag, status=version.scan_status, time=version.created_at, region=region
        )
        if version.sequencer:
            # GuardDuty's events have none, and the workflow would not find the recorded one.
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


def announced(event: Mapping[str, Any]) -> Upload:
    """The file version that an event is about, from any sender.

    Raises:
        KeyError, TypeError: the event has another shape.
    """
    version = announced_version(event)
    return Upload(bucket=version.bucket, file_key=version.key, version_id=version.version_id)
