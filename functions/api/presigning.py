"""Presigned S3 requests: uploads, multipart uploads and downloads."""

from __future__ import annotations

import base64
import os
from functools import cache
from typing import Any

from botocore.config import Config

from contract.api import DOWNLOAD_URL_SECONDS, UPLOAD_URL_SECONDS
from contract.media import max_bytes_of
from contract.renditions import FOCAL_POINT_METADATA
from functions.api.configuration import configuration, ingest_bucket
from functions.api.models import Signed
from functions.api.parts import part_bytes
from functions.shared.aws import session
from functions.shared.rows import Row

WRITE_ONCE = "*"
"""The value of If-None-Match with which S3 stores an object only if the key has none."""


@cache
def s3() -> Any:
    """The environment's S3 client, with signature version 4, which can sign headers.

    The embedded cloud's endpoint has no subdomain for each bucket, so its URLs use the path style.
    """
    style = "path" if os.environ.get("AWS_ENDPOINT_URL") else "virtual"
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 2},
        signature_version="s3v4",
        s3={"addressing_style": style, "us_east_1_regional_endpoint": "regional"},
    )
    return session().create_client("s3", config=config)


def put(row: Row) -> Signed:
    """The signed PUT request that uploads a job's file.

    With a size it signs length, type and checksum, and writes once. Without a size it signs only the type, so that
    clients that send no other header can use it.
    """
    headers = {"Content-Type": row["contentType"]}
    parameters: dict[str, Any] = {"ContentType": row["contentType"]}
    if "bytes" in row:
        parameters |= {"ContentLength": row["bytes"], "IfNoneMatch": WRITE_ONCE}
        headers["If-None-Match"] = WRITE_ONCE
    if "sha256" in row:
        checksum = base64.b64encode(bytes.fromhex(row["sha256"])).decode()
        parameters["ChecksumSHA256"] = checksum
        headers["x-amz-checksum-sha256"] = checksum
    return _signed(row, "put_object", "PUT", parameters | _object_metadata(row), headers | _metadata_headers(row))


def form(row: Row) -> Signed:
    """The signed POST form that uploads a job's file, of the declared size or of any accepted size."""
    sizes = [row["bytes"]] * 2 if "bytes" in row else [1, _max_bytes(row)]
    fields: dict[str, str] = {"Content-Type": row["contentType"], **_metadata_headers(row)}
    if "sha256" in row:
        checksum = base64.b64encode(bytes.fromhex(row["sha256"])).decode()
        fields |= {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-sha256": checksum}
    post = s3().generate_presigned_post(
        ingest_bucket(),
        row["fileKey"],
        Fields=dict(fields),
        Conditions=[*({name: value} for name, value in fields.items()), ["content-length-range", *sizes]],
        ExpiresIn=UPLOAD_URL_SECONDS,
    )
    return Signed(
        url=post["url"],
        key=row["fileKey"],
        method="POST",
        headers={},
        fields=post["fields"],
        expires_in=UPLOAD_URL_SECONDS,
    )


def _max_bytes(row: Row) -> int:
    settings = configuration()
    return max_bytes_of(row["contentType"], settings.media, settings.max_bytes)


def begin_parts(row: Row) -> Signed:
    """The signed request that creates a multipart upload."""
    content_type = row["contentType"]
    parameters = {"ContentType": content_type, **_object_metadata(row)}
    headers = {"Content-Type": content_type, **_metadata_headers(row)}
    return _signed(row, "create_multipart_upload", "POST", parameters, headers)


def _object_metadata(row: Row) -> dict[str, Any]:
    return {"Metadata": {FOCAL_POINT_METADATA: row["focalPoint"]}} if "focalPoint" in row else {}


def _metadata_headers(row: Row) -> dict[str, str]:
    return {f"x-amz-meta-{FOCAL_POINT_METADATA}": row["focalPoint"]} if "focalPoint" in row else {}


def part(row: Row, upload_id: str, number: int) -> Signed:
    """The signed request that uploads a part, of the exact size if the file's size is known."""
    size = part_bytes(row.get("bytes"), number)
    parameters = {"UploadId": upload_id, "PartNumber": number, **({"ContentLength": size} if size else {})}
    return _signed(row, "upload_part", "PUT", parameters)


def complete(row: Row, upload_id: str) -> Signed:
    """The signed request that completes a multipart upload; it writes once."""
    parameters = {"UploadId": upload_id, "IfNoneMatch": WRITE_ONCE}
    return _signed(row, "complete_multipart_upload", "POST", parameters, {"If-None-Match": WRITE_ONCE})


def list_parts(row: Row, upload_id: str) -> Signed:
    """The signed request that lists the uploaded parts."""
    return _signed(row, "list_parts", "GET", {"UploadId": upload_id})


def abort(row: Row, upload_id: str) -> Signed:
    """The signed request that aborts a multipart upload."""
    return _signed(row, "abort_multipart_upload", "DELETE", {"UploadId": upload_id})


def download(bucket: str, key: str, version_id: str | None = None) -> str:
    """A URL that downloads an object, or one version of it, valid for an hour."""
    parameters = {"Bucket": bucket, "Key": key, **({"VersionId": version_id} if version_id else {})}
    return s3().generate_presigned_url("get_object", Params=parameters, ExpiresIn=DOWNLOAD_URL_SECONDS)


def _signed(
    row: Row, operation: str, method: Any, parameters: dict[str, Any], headers: dict[str, str] | None = None
) -> Signed:
    url = s3().generate_presigned_url(
        operation,
        Params={"Bucket": ingest_bucket(), "Key": row["fileKey"], **parameters},
        ExpiresIn=UPLOAD_URL_SECONDS,
        HttpMethod=method,
    )
    return Signed(url=url, key=row["fileKey"], method=method, headers=headers or {}, expires_in=UPLOAD_URL_SECONDS)
