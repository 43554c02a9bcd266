"""Has recorded files go through again, after a preset has changed: the version on record, in a new run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from client.assets import deleted_error
from client.errors import NotFoundError
from client.events import StoredVersion, announcement
from client.malware import scan_status, scans
from client.pipeline import Pipeline, Row
from client.uploads import Upload, file_key
from contract.assets import DELETED_AT
from contract.moving import OutgoingMessage
from contract.scan import ScanResult


@dataclass(kw_only=True)
class Rerendering:
    """What was found on the way.

    Attributes:
        chosen: keys of the files that are processed again, in this order.
        gone: keys of files whose recorded version is not in the ingest bucket any more: they stay as they are.
        unsafe: keys of files without a clean malware scan, where the stack requires one; unchanged too.
    """

    chosen: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unsafe: list[str] = field(default_factory=list)


def recorded(
    pipeline: Pipeline, *, keys: Sequence[str] = (), prefix: str = "", missing_rendition: str = ""
) -> Iterator[Row]:
    """Rows of the assets table by key, with or without `uploads/`, or else by prefix, which reads the whole table.

    Args:
        missing_rendition: only files without this rendition; w2560 means all its formats, w2560-webp one of them.

    Raises:
        NotFoundError: a key is not recorded, or its file was deleted.
    """
    if keys:
        wanted = [file_key(name) for name in keys]
        rows = pipeline.records(wanted)
        unknown = [key for key in wanted if key not in rows]
        if unknown:
            raise NotFoundError(f"no asset is recorded under {', '.join(unknown)}")
        if deleted := next((row for row in rows.values() if DELETED_AT in row), None):
            raise deleted_error(deleted)
        found = iter(rows.values())
    else:
        found = pipeline.scan_assets(prefix)
    return (row for row in found if not (missing_rendition and _has_rendition(row, missing_rendition)))


def rerenderings(pipeline: Pipeline, rows: Iterable[Row], run: str, seen: Rerendering) -> Iterator[OutgoingMessage]:
    """The messages that send recorded versions through the workflow again.

    Args:
        run: see `contract.events.new_run`.
        seen: counts what is found on the way.
    """
    scanning = scans(pipeline)
    for row in rows:
        upload = Upload(bucket=row["bucket"], file_key=row["fileKey"], version_id=row["versionId"])
        status = scan_status(pipeline, upload) if scanning else ""
        if scanning and status not in (None, ScanResult.NO_THREATS_FOUND):
            seen.unsafe.append(upload.file_key)
            continue
        version = None if status is None else _stored(pipeline, upload, row, status)
        if version is None:
            seen.gone.append(upload.file_key)
            continue
        seen.chosen.append(upload.file_key)
        yield announcement(version, region=pipeline.region, reason="rerender", run=run)


def _has_rendition(row: Row, name: str) -> bool:
    return any(rendition["name"] == name or rendition["name"].startswith(f"{name}-") for rendition in row["renditions"])


def _stored(pipeline: Pipeline, upload: Upload, row: Row, status: str) -> StoredVersion | None:
    """The version as S3 has it. One that is gone would be rejected, and its good record end with a bad job."""
    try:
        head = pipeline.client("s3").head_object(Bucket=upload.bucket, Key=upload.file_key, VersionId=upload.version_id)
    except ClientError as error:
        # S3 answers HEAD with a status only: 404 for a deleted version.
        if error.response["Error"]["Code"] != "404":
            raise
        return None
    return StoredVersion(
        upload=upload,
        size=head["ContentLength"],
        etag=head["ETag"].strip('"'),
        sequencer=row["sequencer"],
        created_at=row["eventTime"],
        scan_status=status,
    )
