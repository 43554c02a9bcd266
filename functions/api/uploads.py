"""Jobs that are created by a request for an upload URL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from contract.api import MULTIPART_BYTES, PENDING_DAYS, UPLOAD_URL_SECONDS
from contract.jobs import JobStatus
from contract.media import MEDIA_TYPES, UNKNOWN_MEDIA_TYPE, max_bytes_of, media_type_of
from functions.api import presigning, quotas
from functions.api.configuration import configuration, jobs_table
from functions.api.file_names import file_key
from functions.api.idempotency import job_id, request_hash
from functions.api.models import ArrivedUpload, Signed, Upload, UploadRequest
from functions.api.parts import parts_of
from functions.http_api.parallel import in_parallel
from functions.http_api.problems import Problem, ProblemCode
from functions.shared.aws import client, error_code
from functions.shared.rows import Row, find_all, item_of, row_of
from functions.shared.times import as_text, now

WHOLE, FORM, IN_PARTS = "WHOLE", "FORM", "IN_PARTS"
"""How a job's file is uploaded: the attribute `upload` of its row."""

_PARALLEL_WRITES = 8
_CONDITION_FAILED = "ConditionalCheckFailedException"
# Generic types, which clients send for any file.
_UNDECLARED = frozenset({UNKNOWN_MEDIA_TYPE, "binary/octet-stream"})


def planned(request: UploadRequest, *, owner: str, key: str | None) -> Row:
    """The row of the job that a request creates.

    Args:
        request: the file to upload.
        owner: the caller.
        key: the Idempotency-Key, if there is one.

    Raises:
        Problem: the stack does not accept the file.
    """
    _check(request)
    identity, created = job_id(owner, key), now()
    optional = {
        "bytes": request.size,
        "sha256": request.sha256,
        "callbackUrl": request.callback_url,
        "focalPoint": request.focal_point,
    }
    return {
        "jobId": identity,
        "status": JobStatus.PENDING.value,
        "owner": owner,
        "fileKey": file_key(identity, request.filename),
        "fileName": request.filename,
        "contentType": (request.content_type or media_type_of(request.filename)).lower(),
        "upload": _way(request),
        "requestHash": request_hash(request.payload()),
        "createdAt": as_text(created),
        "updatedAt": as_text(created),
        "uploadExpiresAt": as_text(created + timedelta(seconds=UPLOAD_URL_SECONDS)),
        "expiresAt": int((created + timedelta(days=PENDING_DAYS)).timestamp()),
        **{name: value for name, value in optional.items() if value is not None},
    }


def begin(rows: Sequence[Row], *, owner: str, repeatable: bool) -> list[Upload | ArrivedUpload | Problem]:
    """Record jobs and sign their uploads; a repeated request returns the existing job.

    Args:
        rows: rows that `planned` returned.
        owner: the caller; new jobs count towards its quota.
        repeatable: whether the rows' ids derive from an Idempotency-Key.

    Returns:
        A response for each row, in order.

    Raises:
        Problem: the caller's quota is exceeded; no job is recorded.
    """
    known = find_all(jobs_table(), "jobId", {row["jobId"] for row in rows}) if repeatable and rows else {}
    quotas.charge(owner, sum(row["jobId"] not in known for row in rows))
    presigning.s3()  # creating a botocore client is not thread-safe
    return in_parallel(
        lambda row: _begun(row, known.get(row["jobId"]) or _recorded(row)), rows, threads=_PARALLEL_WRITES
    )


def signed_upload(row: Row) -> Signed:
    """The signed request that uploads a job's file or creates its multipart upload."""
    sign = {WHOLE: presigning.put, FORM: presigning.form, IN_PARTS: presigning.begin_parts}
    return sign[row["upload"]](row)


def renewed(row: Row) -> bool:
    """Extend the time in which a job waits for its upload by the lifetime of a URL that is signed now.

    Returns:
        Whether the job still waits for its upload.
    """
    expires = now() + timedelta(seconds=UPLOAD_URL_SECONDS)
    try:
        client("dynamodb").update_item(
            TableName=jobs_table(),
            Key=item_of({"jobId": row["jobId"]}),
            UpdateExpression="SET #uploadExpiresAt = :uploadExpiresAt",
            ConditionExpression="#status = :pending AND attribute_not_exists(#versionId)",
            ExpressionAttributeNames={
                "#uploadExpiresAt": "uploadExpiresAt",
                "#status": "status",
                "#versionId": "versionId",
            },
            ExpressionAttributeValues=item_of(
                {":uploadExpiresAt": as_text(expires), ":pending": JobStatus.PENDING.value}
            ),
        )
    except ClientError as error:
        if error_code(error) != _CONDITION_FAILED:
            raise
        return False
    return True


def _check(request: UploadRequest) -> None:
    settings = configuration()
    declared = (request.content_type or media_type_of(request.filename)).lower()
    max_bytes = max_bytes_of(declared, settings.media, settings.max_bytes)
    if request.size is not None and request.size > max_bytes:
        raise Problem(ProblemCode.TOO_LARGE, size=request.size, limit=max_bytes)
    if request.content_type and not _is_acceptable(request.content_type.lower(), settings.accepted):
        raise Problem(ProblemCode.UNSUPPORTED_TYPE, content_type=request.content_type)
    if request.callback_url is not None and not _may_be_called(request.callback_url, settings.callback_hosts):
        raise Problem(ProblemCode.CALLBACK_NOT_ALLOWED)


def _is_acceptable(content_type: str, accepted: Sequence[str]) -> bool:
    """Whether the type is generic or names an accepted media type; validate checks the bytes later."""
    return content_type in _UNDECLARED or any(
        content_type in MEDIA_TYPES[name].declared for name in accepted if name in MEDIA_TYPES
    )


def _may_be_called(url: str, hosts: Sequence[str]) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme == "https" and parts.hostname in hosts and port in (None, 443) and parts.username is None


def _way(request: UploadRequest) -> str:
    if request.multipart:
        return IN_PARTS
    if request.method == "POST":
        return FORM
    return IN_PARTS if (request.size or 0) > MULTIPART_BYTES else WHOLE


def _recorded(row: Row) -> Row:
    """Put a job's row unless the id exists, and return the stored row."""
    try:
        client("dynamodb").put_item(
            TableName=jobs_table(),
            Item=item_of(row),
            ConditionExpression="attribute_not_exists(jobId)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if error_code(error) != _CONDITION_FAILED:
            raise
        quotas.give_back(row["owner"])
        return row_of(error.response["Item"])
    return row


def _begun(row: Row, stored: Row) -> Upload | ArrivedUpload | Problem:
    """The response to a request; `stored` is the row that this or an earlier request recorded."""
    if stored is not row:
        if stored.get("requestHash") != row["requestHash"]:
            return Problem(ProblemCode.IDEMPOTENCY_KEY_REUSED)
        if not renewed(stored):
            status = stored["status"] if stored["status"] != JobStatus.PENDING else JobStatus.PROCESSING.value
            return ArrivedUpload(job_id=stored["jobId"], file_key=stored["fileKey"], status=status)
    signed = signed_upload(stored)
    return Upload(
        job_id=stored["jobId"],
        file_key=stored["fileKey"],
        upload_url=signed.url,
        method="POST" if signed.method == "POST" else "PUT",
        headers=signed.headers,
        fields=signed.fields,
        expires_in=signed.expires_in,
        multipart=parts_of(stored.get("bytes")) if stored["upload"] == IN_PARTS else None,
    )
