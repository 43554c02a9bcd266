"""`img-pipeline trace`: the processing of one file from upload to notification, on one timeline.

The sources are the versions in the ingest bucket, the job's stages, the logs of the functions and of the workflow, the
renditions in the processed bucket, the asset's record and, for a file that is waiting, the queues.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from client.assets import table_facts
from client.dead_letters.sampling import find
from client.dead_letters.stack_queues import dead_letter_queues
from client.errors import NotFoundError
from client.ingestion import RUNNING, pipe_state
from client.jobs import deliveries, is_over, jobs_of_file
from client.logs import REPORTED, STARTED, logs_of_file
from client.malware import scan_status, scans
from client.orders import orders_of_file
from client.pipeline import Pipeline, Row
from client.timeline import LOG_MARGIN, Entry, by_time, log_entry, search_logs
from client.uploads import Upload, file_key
from contract.jobs import JobStatus
from contract.keys import renditions_folder
from contract.outputs import DeadLetterKind

# To search more messages than this, use `dlq peek`.
DEAD_LETTERS_SEARCHED = 1000
_LAMBDAS_OWN_LINES = (STARTED, "END RequestId", REPORTED, "INIT_START")


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Everything found about one version of a file.

    Attributes:
        job: its row of the jobs table; None while the workflow has not received it.
        entries: what happened, in order.
        now: its current state, in sentences.
        other_versions: ids of the file's other versions, newest first.
        orders: the newest orders of the file, newest first.
    """

    upload: Upload
    job_id: str
    job: Row | None
    entries: tuple[Entry, ...]
    now: tuple[str, ...]
    other_versions: tuple[str, ...]
    orders: tuple[Row, ...]


def trace_file(pipeline: Pipeline, name: str, version_id: str | None = None) -> Trace:
    """Find everything about one version of a file.

    Args:
        pipeline: the stack.
        name: the file's key, with or without `uploads/`.
        version_id: which version; the newest by default.

    Raises:
        NotFoundError: neither the bucket nor the jobs table has such a file or version, or it is not uploaded yet.
    """
    key = file_key(name)
    versions = _versions(pipeline, key)
    chosen = _choose(pipeline, key, versions, version_id)
    upload = Upload(bucket=pipeline.outputs.ingest_bucket, file_key=key, version_id=chosen)
    job, asset = pipeline.job(upload), pipeline.asset(key)
    job_id = job["jobId"] if job else pipeline.job_id(upload)
    stored = next((version for version in versions if version["VersionId"] == chosen), None)
    entries = [
        *_upload_entries(stored),
        *_job_entries(job),
        *_rendition_entries(pipeline, upload),
        *_asset_entries(asset, upload),
    ]
    if entries:
        entries += _log_entries(pipeline, upload, job, entries)
    if job and job["status"] == JobStatus.FAILED:
        entries += _own_output(pipeline, job)
    return Trace(
        upload=upload,
        job_id=job_id,
        job=job,
        entries=by_time(entries),
        now=tuple(_now(pipeline, upload, job, asset, stored)),
        other_versions=tuple(version["VersionId"] for version in versions if version["VersionId"] != chosen),
        orders=tuple(orders_of_file(pipeline, key)),
    )


def _own_output(pipeline: Pipeline, job: Row) -> Iterator[Entry]:
    """What handlers printed or raised while the job failed: lines of invocations that name no file."""
    for line in logs_of_file(pipeline, job["jobId"]):
        if not line.named and not line.text.startswith(_LAMBDAS_OWN_LINES):
            failed = line.text.startswith(("[ERROR]", "Traceback")) or "Error" in line.text
            yield Entry(at=line.at, where=line.function, what=line.text, failed=failed)


def _versions(pipeline: Pipeline, key: str) -> list[dict[str, Any]]:
    """The file's versions in the ingest bucket, newest first."""
    pages = pipeline.client("s3").get_paginator("list_object_versions")
    found = [
        version
        for page in pages.paginate(Bucket=pipeline.outputs.ingest_bucket, Prefix=key)
        for version in page.get("Versions", [])
        if version["Key"] == key
    ]
    return sorted(found, key=lambda version: (version["IsLatest"], version["LastModified"]), reverse=True)


def _choose(pipeline: Pipeline, key: str, versions: list[dict[str, Any]], version_id: str | None) -> str:
    """The id of the requested version; the jobs table also has versions that were deleted from the bucket."""
    known = [version["VersionId"] for version in versions]
    jobs = jobs_of_file(pipeline, key)
    known += [row["versionId"] for row in jobs if "versionId" in row]
    if jobs and not known:
        waiting = jobs[0]
        raise NotFoundError(
            f"{key} is not uploaded: its job {waiting['jobId']} is {waiting['status']}, "
            f"and its upload URL is valid until {waiting['uploadExpiresAt']}"
        )
    if not known:
        raise NotFoundError(f"{pipeline.stack} has no file {key}: it is neither in the bucket nor in the jobs table")
    if version_id is None:
        return known[0]
    if version_id not in known:
        raise NotFoundError(f"{key} has no version {version_id}: it has {', '.join(dict.fromkeys(known))}")
    return version_id


def _upload_entries(stored: Mapping[str, Any] | None) -> Iterator[Entry]:
    if stored:
        yield Entry(at=stored["LastModified"], where="S3", what=f"uploaded: {stored['Size']:,} bytes")


def _job_entries(job: Row | None) -> Iterator[Entry]:
    if job is None:
        return
    for stage in job.get("stages", []):
        failed = stage["stage"] in ("FAILED", "REJECTED")
        yield Entry(
            at=datetime.fromisoformat(stage["at"]),
            where="workflow",
            what=f"attempt {stage['attempt']}: {stage['stage']}",
            failed=failed,
        )
    if job["status"] == "REJECTED" and "finishedAt" in job:
        # The job is finished once the notification is out.
        finished = datetime.fromisoformat(job["finishedAt"])
        yield Entry(at=finished, where="results topic", what="AssetRejected was published")
    # The history is written when an attempt ends: for an attempt in progress, the row has only its start.
    if job["status"] == "PROCESSING" and "startedAt" in job:
        started = datetime.fromisoformat(job["startedAt"])
        yield Entry(at=started, where="workflow", what=f"attempt {job['attempt']}: RECEIVED")


def _rendition_entries(pipeline: Pipeline, upload: Upload) -> Iterator[Entry]:
    folder = renditions_folder(upload.file_key, upload.version_id)
    pages = pipeline.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=pipeline.outputs.processed_bucket, Prefix=folder):
        for rendition in page.get("Contents", []):
            name = rendition["Key"].removeprefix(folder)
            yield Entry(at=rendition["LastModified"], where="S3", what=f"rendition {name}: {rendition['Size']:,} bytes")


def _asset_entries(asset: Row | None, upload: Upload) -> Iterator[Entry]:
    if asset is None or asset["versionId"] != upload.version_id:
        return
    what = f"recorded with {len(asset['renditions'])} renditions"
    if table := table_facts(asset):
        what += f"; {table['rowCount']:,} rows, {table['quarantined']:,} more in quarantine"
    yield Entry(at=datetime.fromisoformat(asset["persistedAt"]), where="assets table", what=what)
    if "publishedAt" in asset:
        published = datetime.fromisoformat(asset["publishedAt"])
        yield Entry(at=published, where="results topic", what="AssetReady was published")


def _log_entries(pipeline: Pipeline, upload: Upload, job: Row | None, known: Iterable[Entry]) -> list[Entry]:
    """The log lines about this version: first those with the file's key, then all of the executions these name.

    A line does not say the version, so executions that belong to another version of the file are left out.
    """
    times = [entry.at for entry in known]
    # An unfinished job has no end.
    end = max(times) if job and "finishedAt" in job else datetime.now(UTC)
    window = min(times) - LOG_MARGIN, end + LOG_MARGIN
    functions = pipeline.outputs.function_names
    foreign = {
        row["executionName"]
        for row in jobs_of_file(pipeline, upload.file_key)
        if row.get("versionId", upload.version_id) != upload.version_id
    }
    ours = [
        line.fields
        for line in search_logs(pipeline, functions, [upload.file_key], window)
        if line.fields.get("fileKey") == upload.file_key and line.fields.get("executionName") not in foreign
    ]
    ids = {fields.get(name, "") for fields in ours for name in ("executionName", "traceId")}
    if job:
        ids |= {job["executionName"], job.get("traceId", "")}
    lines = search_logs(pipeline, [*functions, "workflow"], sorted(ids - {""}), window)
    return [entry for line in lines if (entry := log_entry(line, foreign))]


def _now(
    pipeline: Pipeline, upload: Upload, job: Row | None, asset: Row | None, stored: Mapping[str, Any] | None
) -> Iterator[str]:
    """The version's current state, in sentences."""
    if stored is None:
        yield "The bucket no longer has this version."
    if job is None and stored and scans(pipeline) and not scan_status(pipeline, upload):
        yield "It waits for its malware scan: the workflow receives it with the result."
        return
    if job is None:
        yield "The workflow has not received it: there is no job."
    elif job["status"] == "COMPLETED" and "finishedAt" in job:
        yield "Finished: recorded and published; no action is needed."
        return
    elif job["status"] == "SUPERSEDED":
        newest = f" ({asset['versionId']})" if asset else ""
        yield f"Finished: a newer version{newest} was recorded before this one."
        return
    elif job["status"] == "REJECTED":
        yield f"Rejected as {job['reasonCode']}: {job['reason']} {job['hint']}"
    elif job["status"] == "FAILED":
        yield f"Attempt {job['attempt']} failed with {job['reasonCode']}: {job['reason']} {job['hint']}"
    else:
        yield f"Attempt {job['attempt']} is in progress, at {job['stage']}."
    yield from _waiting(pipeline, upload, job)


def _waiting(pipeline: Pipeline, upload: Upload, job: Row | None) -> Iterator[str]:
    """Which queue its message is in, as far as this can be determined without receiving the pipe's messages."""
    rejected = job is not None and job["status"] == "REJECTED"
    kinds = {DeadLetterKind.REJECTIONS} if rejected else {DeadLetterKind.EVENTS, DeadLetterKind.UNDELIVERED}
    queues = [queue for queue in dead_letter_queues(pipeline) if queue.kind in kinds]
    if dead_letter := find(
        pipeline, job["jobId"] if job else upload.job_id, queues, limit=DEAD_LETTERS_SEARCHED
    ).dead_letter:
        yield f"Its message {dead_letter.message.message_id} is in the dead-letter queue {dead_letter.queue}."
        if not rejected:
            only = f"--only {upload.file_key} --stack {pipeline.stack}"
            yield f"Once the cause is fixed, `img-pipeline dlq replay {dead_letter.queue} {only}` sends it back."
    elif not rejected:
        depth = pipeline.queue(pipeline.outputs.transform_queue_url).depth()
        last = deliveries(pipeline)
        if job is None or not is_over(job, last):
            attempt = f" for delivery {job['attempt'] + 1} of {last}" if job and job["status"] == "FAILED" else ""
            yield (
                f"No dead letter: its message waits{attempt} in the transform queue, which holds "
                f"{depth.visible} to deliver and {depth.in_flight} in flight."
            )
        else:
            yield "Its message is in no dead-letter queue: it was replayed or purged, or its retention period ended."
        if (state := pipe_state(pipeline)) != RUNNING:
            resume = f"`img-pipeline resume --stack {pipeline.stack}`"
            yield f"The pipe is {state}, so nothing is processed: {resume} starts it."
