"""Processes one small file of each family in the whole pipeline, then deletes everything that this created."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from client.errors import is_missing
from client.pipeline import Pipeline, Row, is_finished
from client.uploads import Upload
from contract.keys import PROCESSED, UPLOADS
from operations.doctor.findings import Finding, fail, ok

PREFIX = f"{UPLOADS}.doctor/"
# The function that processes tables, in a stack that takes them.
TABLE = "table"
# A cold start of every function and a few throttled retries take less; a longer time needs an investigation.
TIMEOUT_SECONDS = 120


def files_are_processed(pipeline: Pipeline, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[Finding]:
    """Upload a photograph and, if the stack has a function for tables, a table; then delete all that was made of them.

    Subscribers of the results topic receive their results like any other; the keys begin with `uploads/.doctor/`.
    The files of an unfinished job are kept for investigation: its message is still in a queue, and would be rejected if
    the file were deleted.
    """
    if pipeline.client("pipes").describe_pipe(Name=pipeline.outputs.pipe_name)["CurrentState"] != "RUNNING":
        yield fail("not sent: the pipe is not running", "see the check of the pipe")
        return
    uploads = [pipeline.upload(_photograph(), f"{PREFIX}{secrets.token_hex(8)}.jpg")]
    if TABLE in pipeline.outputs.function_names:
        uploads.append(pipeline.upload(_table(), f"{PREFIX}{secrets.token_hex(8)}.csv"))
    # A failed file is retried only after the queue's visibility timeout, which is too long to wait for.
    jobs = pipeline.await_jobs(uploads, timeout_seconds=timeout_seconds, is_over=_is_over)
    for upload, job in jobs.items():
        yield from _file_findings(pipeline, upload, job, timeout_seconds)


def _file_findings(pipeline: Pipeline, upload: Upload, job: Row | None, timeout_seconds: float) -> Iterator[Finding]:
    """Check a file's job, record, renditions and notification, and delete them if the job is finished."""
    if job is None or not is_finished(job):
        yield _unfinished(pipeline, upload, job, timeout_seconds)
        return
    if job["status"] == "COMPLETED":
        yield ok(f"the job of {upload.file_key} is COMPLETED")
        yield from record_is_complete(pipeline, upload)
    else:
        yield fail(
            f"{upload.file_key} ended as {job['status']}: {job.get('reasonCode', '')} {job.get('reason', '')}",
            job.get("hint", "") or _trace(pipeline, upload),
        )
    remove_traces(pipeline, upload)
    left = list(_versions(pipeline, upload))
    if left:
        yield fail(f"{len(left)} objects could not be removed under {upload.file_key}", "delete them manually")
    else:
        yield ok("everything that it created was deleted")


def _is_over(job: Row) -> bool:
    return is_finished(job) or job["status"] == "FAILED"


def remove_traces(pipeline: Pipeline, upload: Upload) -> None:
    """Remove the upload, its renditions and its rows, every version of them."""
    for bucket, key, version_id in list(_versions(pipeline, upload)):
        pipeline.client("s3").delete_object(Bucket=bucket, Key=key, VersionId=version_id)
    dynamodb = pipeline.client("dynamodb")
    dynamodb.delete_item(TableName=pipeline.outputs.jobs_table, Key={"jobId": {"S": upload.job_id}})
    dynamodb.delete_item(TableName=pipeline.outputs.assets_table, Key={"fileKey": {"S": upload.file_key}})


def record_is_complete(pipeline: Pipeline, upload: Upload) -> Iterator[Finding]:
    """A completed file has its record, every rendition that it names, and was published."""
    asset = pipeline.asset(upload.file_key)
    if asset is None or asset["versionId"] != upload.version_id:
        yield fail("the job is COMPLETED, but the assets table has no record of it", _trace(pipeline, upload))
        return
    renditions = asset["renditions"]
    missing = [rendition["key"] for rendition in renditions if not _rendition_exists(pipeline, rendition)]
    if missing or not renditions:
        yield fail(
            f"{len(missing)} of {len(renditions)} renditions are missing: {', '.join(missing)}",
            _trace(pipeline, upload),
        )
    else:
        yield ok(f"its record names {len(renditions)} renditions, and all exist")
    if "publishedAt" in asset:
        yield ok("its result was published")
    else:
        yield fail("its result was not published", _trace(pipeline, upload))


def _rendition_exists(pipeline: Pipeline, rendition: dict[str, Any]) -> bool:
    try:
        head = pipeline.client("s3").head_object(Bucket=pipeline.outputs.processed_bucket, Key=rendition["key"])
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    return head["ContentLength"] == rendition["bytes"]


def _unfinished(pipeline: Pipeline, upload: Upload, job: dict[str, Any] | None, timeout_seconds: float) -> Finding:
    if job is None:
        return fail(
            f"{upload.file_key} was not received within {timeout_seconds:g} s",
            f"it is kept; {_trace(pipeline, upload)}",
        )
    if job["status"] == "FAILED":
        return fail(
            f"{upload.file_key} FAILED: {job.get('reasonCode', '')} {job.get('reason', '')}",
            f"{job.get('hint', '')} It is kept and will be tried again; {_trace(pipeline, upload)}".strip(),
        )
    return fail(
        f"{upload.file_key} is still at {job['stage']} after {timeout_seconds:g} s",
        f"it is kept; {_trace(pipeline, upload)}",
    )


def _trace(pipeline: Pipeline, upload: Upload) -> str:
    return f"see where it is: img-pipeline trace {upload.file_key} --stack {pipeline.stack}"


def _versions(pipeline: Pipeline, upload: Upload) -> Iterator[tuple[str, str, str]]:
    places = (
        (pipeline.outputs.ingest_bucket, upload.file_key),
        (pipeline.outputs.processed_bucket, f"{PROCESSED}{upload.file_key}/"),
    )
    for bucket, prefix in places:
        pages = pipeline.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                yield bucket, version["Key"], version["VersionId"]


def _table() -> bytes:
    """Three rows; every run another file, as for photographs."""
    return "".join(
        f"{row}\n" for row in ("id,name", *(f"{number},{secrets.token_hex(8)}" for number in range(3)))
    ).encode()


def _photograph() -> bytes:
    from PIL import Image  # noqa: PLC0415 - slow to import, and no other command needs it

    # Noise over a gradient: every transform has an effect, and every run another file, as the deny-list has hashes.
    picture = Image.blend(
        Image.linear_gradient("L").resize((320, 240)).convert("RGB"),
        Image.frombytes("RGB", (320, 240), secrets.token_bytes(3 * 320 * 240)),
        0.2,
    )
    body = io.BytesIO()
    picture.save(body, "JPEG", quality=80)
    return body.getvalue()
