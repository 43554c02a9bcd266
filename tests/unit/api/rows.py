"""Rows as the workflow writes them."""

from __future__ import annotations

from typing import Any

from tests.unit.api.conftest import Api

TIME = "2026-11-27T21:15:12.123Z"


def job_row(job_id: str, **values: Any) -> dict[str, Any]:
    """A job that is COMPLETED, unless `values` say otherwise; a value None leaves the attribute away."""
    row = {
        "jobId": job_id,
        "status": "COMPLETED",
        "stage": "COMPLETED",
        "stages": [{"attempt": 1, "stage": "RECEIVED", "at": TIME}, {"attempt": 1, "stage": "COMPLETED", "at": TIME}],
        "attempt": 1,
        "owner": "alice",
        "fileKey": f"uploads/{job_id}/cat.jpg",
        "fileName": "My cat.jpg",
        "versionId": "v1",
        "sequencer": "0" * 32,
        "run": "",
        "bucket": "ingest",
        "executionName": "execution-1",
        "mediaType": "image/jpeg",
        "traceId": "",
        "createdAt": TIME,
        "updatedAt": TIME,
        "finishedAt": TIME,
        "expiresAt": 2_000_000_000,
        **values,
    }
    return {name: value for name, value in row.items() if value is not None}


def asset_row(file_key: str, **values: Any) -> dict[str, Any]:
    """An asset of a picture with two presets and a watermark."""
    job_id = values.get("jobId", "0" * 32)
    row = {
        "fileKey": file_key,
        "jobId": job_id,
        "owner": "alice",
        "shard": job_id[0],
        "versionId": "v1",
        "sequencer": "0" * 32,
        "run": "",
        "bucket": "ingest",
        "mediaType": "image/jpeg",
        "bytes": 12_345,
        "measures": {"width": 4000, "height": 3000},
        "sha256": "ab" * 32,
        "renditions": [
            rendition(file_key, "watermark", "jpg", 4000),
            *(rendition(file_key, f"w{width}-{kind}", kind, width) for kind in ("jpg", "webp") for width in (160, 640)),
        ],
        "metadata": {"thumbHash": "3OcRJYB4d3h/iIeHeEh3eIhw+j3A", "aspect": 1.5},
        "eventTime": TIME,
        "persistedAt": TIME,
        "executionName": "execution-1",
        "traceId": "1-5759e988-bd862e3fe1be46a994272793",
        **values,
    }
    return {name: value for name, value in row.items() if value is not None}


def rendition(file_key: str, name: str, extension: str, width: int) -> dict[str, Any]:
    """A rendition as a transform records it."""
    return {
        "name": name,
        "key": f"processed/{file_key}/v1/{name}.{extension}",
        "contentType": {"jpg": "image/jpeg", "webp": "image/webp"}[extension],
        "width": width,
        "height": width * 3 // 4,
        "bytes": width * 100,
    }


def put_file(api: Api, job_id: str, *, job: dict[str, Any] | None = None, asset: dict[str, Any] | None = None) -> str:
    """A job that is COMPLETED and its asset, whose objects are in the buckets; the file's key."""
    made = job_row(job_id, **(job or {}))
    record = asset_row(made["fileKey"], **{"jobId": job_id, **(asset or {})})
    api.put_row("jobs", made)
    api.put_row("assets", record)
    for each in record["renditions"]:
        api.cloud.client("s3").put_object(Bucket="processed", Key=each["key"], Body=each["name"].encode())
    return made["fileKey"]
