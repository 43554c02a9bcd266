"""Jobs as the API returns them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from contract.api import DOWNLOAD_URL_SECONDS, EXPIRED, LATE_UPLOAD_SECONDS
from contract.assets import DELETED_AT
from contract.jobs import JOB_ID_DIGITS, OWNER_INDEX, STATUS_INDEX, JobStatus
from functions.api.configuration import assets_table, configuration, jobs_table
from functions.api.listing import Cursor, Partition, newest
from functions.api.models import Job, JobPage, StageReached
from functions.api.renditions import handed_out, signed_renditions
from functions.http_api.callers import Caller
from functions.http_api.problems import Problem, ProblemCode
from functions.shared.rows import Row, find, find_all
from functions.shared.times import now

_JOB_ID = re.compile(rf"[0-9a-f]{{{JOB_ID_DIGITS}}}")

RETRY_AFTER_SECONDS = {JobStatus.PENDING.value: 2, JobStatus.PROCESSING.value: 1, JobStatus.FAILED.value: 30}
"""Seconds until a client should poll a running job again."""

_NO_UPLOAD = "No file arrived before the upload URL expired."
_UPLOAD_AGAIN = "Ask for a new upload URL with POST /uploads."
_OUR_FAULT = "The file could not be processed, for a reason that does not lie in the file."
_WAIT = "Nothing: the file is tried again by itself."
_ASK_OPERATORS = "Give the operators the jobId. The file is kept, and they can have it tried again."


def visible_row(job_id: str, caller: Caller) -> Row:
    """The row of a job.

    Raises:
        Problem: there is no such job, or it belongs to another caller.
    """
    row = find(jobs_table(), {"jobId": job_id}) if _JOB_ID.fullmatch(job_id) else None
    if row is None or not caller.sees(row):
        raise Problem(ProblemCode.JOB_NOT_FOUND, job_id=job_id)
    return row


def job_of(row: Row, caller: Caller) -> Job:
    """A job without its results."""
    status = reported_status(row)
    return Job(
        job_id=row["jobId"],
        status=status,
        stage=row.get("stage"),
        attempt=row.get("attempt"),
        file_key=row["fileKey"],
        file_name=row.get("fileName"),
        media_type=row.get("mediaType") or None,
        created_at=row["createdAt"],
        updated_at=row["updatedAt"],
        finished_at=row.get("finishedAt"),
        deleted_at=row.get("deletedAt"),
        upload_expires_at=row.get("uploadExpiresAt") if status == JobStatus.PENDING else None,
        will_retry=_will_retry(row) if status == JobStatus.FAILED else None,
        trace_id=row.get("traceId") or None,
        **_explanation(row, status, caller),
    )


def job_with_results(row: Row, caller: Caller) -> Job:
    """A job with its stages and, if it is COMPLETED and still the file's latest version, its renditions."""
    job = job_of(row, caller)
    job.stages = [StageReached(**each) for each in row.get("stages", ())] or None
    if job.status == JobStatus.COMPLETED:
        asset = find(assets_table(), {"fileKey": row["fileKey"]})
        if asset and DELETED_AT not in asset and asset["versionId"] == row["versionId"]:
            job.renditions = signed_renditions(asset)
            job.download_url = handed_out(job.renditions)
    return job


def entity_tag(job: Job) -> str:
    """A tag of the job's state.

    It is weak, as signed addresses differ at each request. It changes before those that a caller has expire, so that
    who is told "not modified" can still use them.
    """
    state = job.model_dump(mode="json", exclude={"download_url": True, "renditions": {"__all__": {"url"}}})
    period = int(now().timestamp()) // (DOWNLOAD_URL_SECONDS // 2) if job.renditions else 0
    digest = hashlib.sha256(json.dumps([state, period], sort_keys=True).encode()).hexdigest()
    return f'W/"{digest[:32]}"'


def retry_after(job: Job) -> dict[str, str]:
    """The Retry-After header of a job that is not finished; empty for a finished one."""
    seconds = RETRY_AFTER_SECONDS.get(job.status)
    return {} if seconds is None or job.will_retry is False else {"Retry-After": str(seconds)}


def page_of_jobs(caller: Caller, *, status: str | None, cursor: str | None, limit: int) -> JobPage:
    """The caller's jobs, or all jobs if the caller is an operator.

    Args:
        caller: who asks.
        status: only jobs of this status.
        cursor: of the page before.
        limit: how many.
    """
    stored = JobStatus.PENDING.value if status == EXPIRED else status
    entries, after = newest(
        _partitions(caller, stored),
        cursor=Cursor.decoded(cursor),
        limit=limit,
        is_wanted=lambda entry: stored is None or entry["status"] == stored,
    )
    rows = find_all(jobs_table(), "jobId", [entry.id for entry in entries])
    jobs = [job_of(rows[entry.id], caller) for entry in entries if entry.id in rows]
    return JobPage(
        jobs=[job for job in jobs if status is None or job.status == status],
        cursor=after.encoded() if after else None,
    )


def reported_status(row: Mapping[str, Any]) -> Any:
    """A row's status; EXPIRED if no file was uploaded before the URL expired."""
    if row["status"] == JobStatus.PENDING and "versionId" not in row:
        last = datetime.fromisoformat(row["uploadExpiresAt"]) + timedelta(seconds=LATE_UPLOAD_SECONDS)
        if now() > last:
            return EXPIRED
    return row["status"]


def _partitions(caller: Caller, status: str | None) -> list[Partition]:
    table = jobs_table()
    if not caller.is_operator:
        return [
            Partition(table=table, index=OWNER_INDEX, key="owner", value=caller.owner, time="createdAt", id="jobId")
        ]
    return [
        Partition(table=table, index=STATUS_INDEX, key="status", value=each, time="createdAt", id="jobId")
        for each in ([status] if status else JobStatus)
    ]


def _will_retry(row: Row) -> bool:
    return row["attempt"] < configuration().max_receive_count


def _explanation(row: Row, status: str, caller: Caller) -> dict[str, Any]:
    """Code, message and hint of a job that was rejected or failed, without internal details."""
    match status:
        case "EXPIRED":
            return {"error_code": "UPLOAD_EXPIRED", "error_message": _NO_UPLOAD, "hint": _UPLOAD_AGAIN}
        case "FAILED" if not caller.is_operator:
            hint = _WAIT if _will_retry(row) else _ASK_OPERATORS
            return {"error_code": row["reasonCode"], "error_message": _OUR_FAULT, "hint": hint}
        case "FAILED" | "REJECTED":
            return {"error_code": row["reasonCode"], "error_message": row["reason"], "hint": row["hint"]}
        case _:
            return {}
