"""Processes files that are already in the ingest bucket: stored before the workflow existed, or missed by it.

S3 has a sequencer for events only, not for stored objects. So a version without an event is ordered after the recorded
version of its file, and before any version whose event arrives later. A stack that scans for malware orders versions
itself and processes a file only with its scan result: a file without one is skipped until it is scanned.

With the setting `backfill.enabled`, the stack has a state machine with a Distributed Map over the ingest bucket, which
processes any number of files; this module starts and follows it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from client.errors import ActionFailedError, InvalidRequestError
from client.events import StoredVersion, announcement
from client.malware import scan_status, scans
from client.pipeline import ROWS_PER_CALL, Pipeline, Row, is_finished
from client.uploads import Upload
from contract.clock import Clock
from contract.events import new_run
from contract.keys import UPLOADS
from contract.moving import OutgoingMessage


@dataclass(kw_only=True)
class Found:
    """What a backfill found so far.

    Attributes:
        found: files under the prefix.
        finished: those whose current version is finished.
        unscanned: those that were not scanned for malware, on a stack that scans.
        chosen: keys of the files that are sent, in this order.
    """

    found: int = 0
    finished: int = 0
    unscanned: int = 0
    chosen: list[str] = field(default_factory=list)


def missing(pipeline: Pipeline, prefix: str, *, force: bool, after: str = "", seen: Found) -> Iterator[OutgoingMessage]:
    """The messages that send every current version under a prefix through the workflow, unless it is finished.

    Args:
        force: also those that are finished; they are processed again, as a new run.
        after: only keys after this one, in S3's order.
        seen: updated with what is found.

    Raises:
        InvalidRequestError: the prefix is outside `uploads/`.
    """
    check_prefix(prefix)
    run, scanning = new_run() if force else "", scans(pipeline)
    listed = _current_versions(pipeline, prefix, after)
    while batch := list(islice(listed, ROWS_PER_CALL)):
        jobs = pipeline.jobs_of(upload for upload, _ in batch)
        # Of deleted files too: a version that was uploaded since comes after the deletion.
        records = pipeline.records(upload.file_key for upload, _ in batch)
        for upload, entry in batch:
            job, asset = jobs.get(upload, {}), records.get(upload.file_key, {})
            seen.found += 1
            if not force and _is_finished(upload, job, asset):
                seen.finished += 1
                continue
            status = scan_status(pipeline, upload) if scanning else ""
            if scanning and not status:
                seen.unscanned += 1
                continue
            seen.chosen.append(upload.file_key)
            known = _known_sequencer(upload, job, asset)
            version = StoredVersion(
                upload=upload,
                size=entry["Size"],
                etag=entry["ETag"].strip('"'),
                sequencer=known or ("" if scanning else _generated_sequencer(entry["LastModified"], asset)),
                created_at=entry["LastModified"].isoformat(),
                scan_status=status or "",
            )
            yield announcement(version, region=pipeline.region, reason="backfill", run=run)


def check_prefix(prefix: str) -> None:
    """Reject a prefix outside `uploads/`, which is all that the workflow processes.

    Raises:
        InvalidRequestError: it is outside `uploads/`.
    """
    if not prefix.startswith(UPLOADS):
        raise InvalidRequestError(
            f"the workflow processes {UPLOADS} only: {prefix or 'an empty prefix'} is outside of it"
        )


POLL_SECONDS = 5


def start(pipeline: Pipeline, prefix: str, *, run: str) -> str:
    """Start the backfill of a prefix and return its execution's ARN.

    Args:
        run: the id of a request to process finished files again; empty to skip them.
    """
    return pipeline.client("stepfunctions").start_execution(
        stateMachineArn=pipeline.outputs.backfill_arn, input=json.dumps({"prefix": prefix, "run": run})
    )["executionArn"]


def follow(
    pipeline: Pipeline, execution_arn: str, *, clock: Clock, on_progress: Callable[[int], None] = lambda _: None
) -> str:
    """Follow a backfill to its end, or until interrupted, and return a one-line report.

    Args:
        on_progress: called with the number of files that were handled.

    Raises:
        ActionFailedError: the backfill failed, for example because more files failed than are tolerated.
    """
    states = pipeline.client("stepfunctions")
    while True:
        execution = states.describe_execution(executionArn=execution_arn)
        counts = _item_counts(states, execution_arn)
        on_progress(counts["succeeded"] + counts["failed"])
        report = f"{execution['status']}: {counts['succeeded']} of {counts['total']} handled, {counts['failed']} failed"
        if execution["status"] in ("FAILED", "TIMED_OUT", "ABORTED"):
            raise ActionFailedError(f"backfill {report}: {execution.get('error', '')} {execution.get('cause', '')}")
        if execution["status"] == "SUCCEEDED" or clock.requested:
            return f"{report}; results under s3://{pipeline.outputs.processed_bucket}/backfill/"
        clock.sleep(POLL_SECONDS)


def _item_counts(states: Any, execution_arn: str) -> dict[str, int]:
    counts = {"total": 0, "succeeded": 0, "failed": 0}
    for run in states.list_map_runs(executionArn=execution_arn)["mapRuns"]:
        items = states.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
        counts["total"] += items["total"]
        counts["succeeded"] += items["succeeded"]
        counts["failed"] += items["failed"] + items["timedOut"] + items["aborted"]
    return counts


def _current_versions(pipeline: Pipeline, prefix: str, after: str) -> Iterator[tuple[Upload, Mapping[str, Any]]]:
    """Every file's current version, with what S3 lists of it, in the order of the keys."""
    bucket = pipeline.outputs.ingest_bucket
    pages = pipeline.client("s3").get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix, **({"KeyMarker": after} if after else {})):
        for entry in page.get("Versions", []):
            if entry["IsLatest"]:
                yield Upload(bucket=bucket, file_key=entry["Key"], version_id=entry["VersionId"]), entry


def _is_finished(upload: Upload, job: Row, asset: Row) -> bool:
    """Whether the version is processed. Its job's row expires, its record does not."""
    return is_finished(job) or (asset.get("versionId") == upload.version_id and "publishedAt" in asset)


def _known_sequencer(upload: Upload, job: Row, asset: Row) -> str:
    """The version's sequencer in the stack's tables; "" if there is none."""
    # The job of a scanned file has zeros until validate has determined the order of its versions.
    if job and job["sequencer"].strip("0"):
        return job["sequencer"]
    return asset["sequencer"] if asset.get("versionId") == upload.version_id else ""


def _generated_sequencer(stored_at: datetime, asset: Row) -> str:
    """A sequencer for a version without an S3 event."""
    milliseconds = f"{int(stored_at.timestamp() * 1000):011X}"
    if asset:
        # The record's with a suffix: it is ordered after the record's and before any later one.
        return f"{asset['sequencer'].split('+')[0]}+{milliseconds}"
    # S3's sequencers have more digits: the workflow pads both to one length, so this one is ordered before them.
    return milliseconds
