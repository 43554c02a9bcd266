"""Has recorded files go through again, after a preset has changed: the version on record, in a new run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import typer
from botocore.exceptions import ClientError

from operations.connection import Connection, LocalOption, StackOption, connect
from operations.errors import OperationError
from operations.events import StoredVersion, announcement, new_run
from operations.ingestion import enqueue
from operations.interruption import Interruption
from operations.malware import CLEAN, scan_status, scans
from operations.pipeline import Upload
from operations.replay import Copy
from operations.rows import Row, asset_rows, scan_assets
from operations.terminal import RateOption, YesOption, console, duration, end, progress, say_only


@dataclass(kw_only=True)
class Rerendering:
    """What was found on the way.

    Attributes:
        chosen: keys of the files that go through again, in this order.
        gone: keys of files whose recorded version is not in the ingest bucket any more: they stay as they are.
        unsafe: keys of files that a stack which scans for malware lets nobody read: they stay as they are too.
    """

    chosen: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unsafe: list[str] = field(default_factory=list)


def recorded(
    connection: Connection, *, keys: Sequence[str] = (), prefix: str = "", missing_rendition: str = ""
) -> Iterator[Row]:
    """Rows of the assets table by key, or else by prefix, which reads the whole table.

    Args:
        missing_rendition: only files without this rendition; w2560 stands for all its formats, w2560-webp for one.

    Raises:
        OperationError: a key is not recorded.
    """
    if keys:
        rows = asset_rows(connection, keys)
        unknown = [key for key in keys if key not in rows]
        if unknown:
            raise OperationError(f"no asset is recorded under {', '.join(unknown)}")
        found = iter(rows.values())
    else:
        found = scan_assets(connection, prefix)
    return (row for row in found if not (missing_rendition and _has_rendition(row, missing_rendition)))


def rerenderings(connection: Connection, rows: Iterable[Row], run: str, seen: Rerendering) -> Iterator[Copy]:
    """The messages that send recorded versions through the workflow again.

    Args:
        run: see `operations.events.new_run`.
        seen: counts what is found on the way.
    """
    scanning = scans(connection)
    for row in rows:
        upload = Upload(bucket=row["bucket"], file_key=row["fileKey"], version_id=row["versionId"])
        status = scan_status(connection, upload) if scanning else ""
        if scanning and status not in (None, CLEAN):
            seen.unsafe.append(upload.file_key)
            continue
        version = None if status is None else _stored(connection, upload, row, status)
        if version is None:
            seen.gone.append(upload.file_key)
            continue
        seen.chosen.append(upload.file_key)
        yield announcement(version, region=connection.region, reason="rerender", run=run)


def rerender(
    *,
    keys: Annotated[list[str] | None, typer.Argument(metavar="KEY", help="Files by key.")] = None,
    prefix: Annotated[str, typer.Option(help="Every recorded file under this prefix.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every recorded file.")] = False,
    missing_rendition: Annotated[
        str, typer.Option(metavar="NAME", help="Only files without this rendition, for example w2560 or w2560-webp.")
    ] = "",
    rate: RateOption = 20,
    stack: StackOption = "dev",
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Make the renditions of recorded files anew, after a preset has changed; their subscribers are told again.

    Example: `img-pipeline rerender --all --missing-rendition w2560 --rate 20 --stack prod`
    """
    if sum(map(bool, (keys, prefix, everything))) != 1:
        raise OperationError("name files by key, or --prefix, or --all: one of them")
    connection = connect(stack, local=local)
    rows = recorded(connection, keys=keys or (), prefix=prefix, missing_rendition=missing_rendition)
    seen, run = Rerendering(), new_run()
    copies = rerenderings(connection, rows, run, seen)
    if not yes:
        with progress("looking at the assets", None) as on_progress:
            for _ in copies:
                on_progress(len(seen.chosen))
        seconds = duration(len(seen.chosen) / rate)
        say_only(f"rerender would send {len(seen.chosen)} files through again in about {seconds}{_gone(seen)}")
        return
    with Interruption() as interruption, progress("sending", None) as on_progress:
        tally = enqueue(
            connection,
            "rerender",
            copies,
            rate=rate,
            interruption=interruption,
            on_progress=lambda done: on_progress(done.sent),
            run=run,
            keys=keys,
            prefix=prefix,
            missingRendition=missing_rendition,
        )
    console.print(f"sent {tally.sent} files through again, as run {run}{_gone(seen)}", highlight=False)
    console.print("follow them with `img-pipeline drain --wait`")
    end(tally)


def _gone(seen: Rerendering) -> str:
    reasons = ((seen.gone, "their upload is gone"), (seen.unsafe, "no malware scan calls them clean"))
    return "".join(
        f"; {len(keys)} stay as they are, for {reason}: {', '.join(keys[:3])}" for keys, reason in reasons if keys
    )


def _has_rendition(row: Row, name: str) -> bool:
    return any(rendition["name"] == name or rendition["name"].startswith(f"{name}-") for rendition in row["renditions"])


def _stored(connection: Connection, upload: Upload, row: Row, status: str) -> StoredVersion | None:
    """The version as S3 has it. One that is gone would be rejected, and its good record end with a bad job."""
    try:
        head = connection.client("s3").head_object(
            Bucket=upload.bucket, Key=upload.file_key, VersionId=upload.version_id
        )
    except ClientError as error:
        # Of a HEAD, S3 gives the status alone; for a version that was deleted it is 404.
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
