"""Sends files that are in the ingest bucket already through the workflow: stored before it was there, or missed by it.

S3 names no sequencer of what it stores, only of what it announces. So a version that was never announced is ordered
after what is recorded of its file, and before whatever S3 will announce of it. A stack that scans for malware orders
versions itself, and takes a file in only with the result of its scan: one that has none is left to the scanner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import typer

from operations.audit import audited
from operations.backfill_machine import follow, start
from operations.connection import Connection, LocalOption, StackOption, connect
from operations.errors import OperationError
from operations.events import StoredVersion, announcement, new_run
from operations.ingestion import enqueue
from operations.interruption import Interruption
from operations.malware import scan_status, scans
from operations.pipeline import Upload
from operations.replay import Copy
from operations.rows import ROWS_PER_CALL, Row, asset_rows, job_rows
from operations.terminal import RateOption, YesOption, console, duration, end, progress, say_only

# The workflow works on what lies here only (components/ingest.py).
UPLOAD_PREFIX = "uploads/"
# What this command sends itself; more than that is the state machine's work.
DEFAULT_LIMIT = 10_000


@dataclass(kw_only=True)
class Found:
    """What a backfill has found so far.

    Attributes:
        found: files under the prefix.
        finished: those of them whose current version needs nothing.
        unscanned: those of them that were not scanned for malware, on a stack that scans.
        chosen: keys of those that are sent, in this order.
    """

    found: int = 0
    finished: int = 0
    unscanned: int = 0
    chosen: list[str] = field(default_factory=list)


def missing(connection: Connection, prefix: str, *, force: bool, after: str = "", seen: Found) -> Iterator[Copy]:
    """The messages that send every current version under a prefix through the workflow, unless it is finished.

    Args:
        force: also those that are finished; they go through again, as a new run.
        after: only keys that come after this one in S3's order.
        seen: counts what is found on the way.

    Raises:
        OperationError: the prefix is outside what the workflow works on.
    """
    check_prefix(prefix)
    run, scanning = new_run() if force else "", scans(connection)
    listed = _current_versions(connection, prefix, after)
    while portion := list(islice(listed, ROWS_PER_CALL)):
        jobs = job_rows(connection, (upload.job_id for upload, _ in portion))
        assets = asset_rows(connection, (upload.file_key for upload, _ in portion))
        for upload, entry in portion:
            job, asset = jobs.get(upload.job_id, {}), assets.get(upload.file_key, {})
            seen.found += 1
            if not force and _is_finished(upload, job, asset):
                seen.finished += 1
                continue
            status = scan_status(connection, upload) if scanning else ""
            if scanning and not status:
                seen.unscanned += 1
                continue
            seen.chosen.append(upload.file_key)
            known = _known_sequencer(upload, job, asset)
            version = StoredVersion(
                upload=upload,
                size=entry["Size"],
                etag=entry["ETag"].strip('"'),
                sequencer=known or ("" if scanning else _made_sequencer(entry["LastModified"], asset)),
                created_at=entry["LastModified"].isoformat(),
                scan_status=status or "",
            )
            yield announcement(version, region=connection.region, reason="backfill", run=run)


def check_prefix(prefix: str) -> None:
    """Refuse a prefix outside what the workflow works on.

    Raises:
        OperationError: it is outside.
    """
    if not prefix.startswith(UPLOAD_PREFIX):
        raise OperationError(f"the workflow works on {UPLOAD_PREFIX} only: {prefix or 'no prefix'} is outside of it")


def backfill(
    *,
    prefix: Annotated[str, typer.Option(help="Files under this prefix of the ingest bucket.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also files that are finished: they go through again.")
    ] = False,
    rate: RateOption = 50,
    limit: Annotated[int, typer.Option(min=1, help="The most files that this command sends.")] = DEFAULT_LIMIT,
    after: Annotated[str, typer.Option(metavar="KEY", help="Only files whose keys come after this one.")] = "",
    here: Annotated[
        bool, typer.Option("--here", help="Send them from here, even if the stack can do it itself.")
    ] = False,
    stack: StackOption = "dev",
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Send files that are in the ingest bucket already through the workflow, unless they are finished.

    With the setting `backfill.enabled`, a state machine of the stack does it, for any number of files.

    Example: `img-pipeline backfill --prefix uploads/2025/ --rate 50 --stack prod`
    """
    connection = connect(stack, local=local)
    if connection.outputs.get("backfillArn") and not here:
        return _by_machine(connection, prefix, force=force, yes=yes)
    found = Found()
    copies = islice(missing(connection, prefix, force=force, after=after, seen=found), limit)
    if not yes:
        with progress(f"looking under {prefix}", None) as on_progress:
            for _ in copies:
                on_progress(found.found)
        seconds = duration(len(found.chosen) / rate)
        return say_only(f"backfill would send {len(found.chosen)}{_of(found)} in about {seconds}{_bound(found, limit)}")
    with Interruption() as interruption, progress("sending", None) as on_progress:
        tally = enqueue(
            connection,
            "backfill",
            copies,
            rate=rate,
            interruption=interruption,
            on_progress=lambda done: on_progress(done.sent),
            prefix=prefix,
            force=force,
        )
    console.print(f"sent {tally.sent}{_of(found)}{_bound(found, limit)}; follow them with `img-pipeline drain --wait`")
    if tally.interrupted:
        settled = [after, *found.chosen][tally.settled]
        console.print(
            f"go on with --after {settled!r}" if settled else "nothing was settled: repeat it", soft_wrap=True
        )
    return end(tally)


def _of(found: Found) -> str:
    unscanned = f", {found.unscanned} are not scanned yet" if found.unscanned else ""
    return f" of {found.found} files ({found.finished} are finished{unscanned})"


def _bound(found: Found, limit: int) -> str:
    if len(found.chosen) < limit:
        return ""
    return f"; that is --limit, go on with --after {found.chosen[-1]!r}"


def _by_machine(connection: Connection, prefix: str, *, force: bool, yes: bool) -> None:
    check_prefix(prefix)
    arn = connection.outputs["backfillArn"]
    if not yes:
        return say_only(f"backfill would start {arn} for {prefix}")
    with audited(connection, "backfill", machine=arn, prefix=prefix, force=force) as performed:
        execution = start(connection, prefix, run=new_run() if force else "")
        performed.counts = {"execution": execution}
    console.print(f"started {execution}; Ctrl-C stops looking, not the backfill", soft_wrap=True)
    with Interruption() as interruption, progress("sending", None) as on_progress:
        report = follow(connection, execution, clock=interruption, on_progress=on_progress)
    return console.print(report, soft_wrap=True)


def _current_versions(connection: Connection, prefix: str, after: str) -> Iterator[tuple[Upload, Mapping[str, Any]]]:
    """Every file's current version, with what S3 lists of it, in the order of the keys."""
    bucket = connection.outputs["ingestBucket"]
    pages = connection.client("s3").get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix, **({"KeyMarker": after} if after else {})):
        for entry in page.get("Versions", []):
            if entry["IsLatest"]:
                yield Upload(bucket=bucket, file_key=entry["Key"], version_id=entry["VersionId"]), entry


def _is_finished(upload: Upload, job: Row, asset: Row) -> bool:
    """Whether the version has gone through. Its job's row is removed after a while, its record is not."""
    return "finishedAt" in job or (asset.get("versionId") == upload.version_id and "publishedAt" in asset)


def _known_sequencer(upload: Upload, job: Row, asset: Row) -> str:
    """The sequencer that the version has in the stack's tables; "" if it has none there."""
    # A scanned file's job says zeros until validate has found its place.
    if job and job["sequencer"].strip("0"):
        return job["sequencer"]
    return asset["sequencer"] if asset.get("versionId") == upload.version_id else ""


def _made_sequencer(stored_at: datetime, asset: Row) -> str:
    """A sequencer for a version that S3 never announced."""
    milliseconds = f"{int(stored_at.timestamp() * 1000):011X}"
    if asset:
        # Longer than the record's and otherwise the same, so that it comes after that one and before any later one.
        return f"{asset['sequencer'].split('+')[0]}+{milliseconds}"
    # S3's own have more digits: padded to one length, as the workflow compares them, this one comes before them.
    return milliseconds
