"""Assets as the API returns them: accepted files that are not deleted."""

from __future__ import annotations

from typing import Any

from contract.assets import DELETED_AT, OWNER_INDEX, SHARD_INDEX, SHARDS, recorded
from contract.jobs import FILE_KEY_INDEX
from functions.api.configuration import assets_table, ingest_bucket, jobs_table
from functions.api.jobs import reported_status
from functions.api.listing import Cursor, Partition, newest
from functions.api.models import Asset, AssetPage, AssetSummary, Version
from functions.api.presigning import download, s3
from functions.api.renditions import for_pages, handed_out, signed_renditions, srcset, thumbnail
from functions.http_api.callers import Caller
from functions.http_api.problems import Problem, ProblemCode
from functions.shared.rows import Row, find, find_all

VERSIONS = 20
"""How many of a file's versions are listed, newest first."""

_MAX_KEY_BYTES = 1024


def page_of_assets(caller: Caller, *, cursor: str | None, limit: int) -> AssetPage:
    """The caller's assets, or all assets if the caller is an operator.

    Args:
        caller: who asks.
        cursor: of the page before.
        limit: how many.
    """
    entries, after = newest(_partitions(caller), cursor=Cursor.decoded(cursor), limit=limit)
    rows = find_all(assets_table(), "fileKey", [entry.id for entry in entries])
    shown = [rows[entry.id] for entry in entries if entry.id in rows and DELETED_AT not in rows[entry.id]]
    names = _file_names({row["jobId"] for row in shown})
    return AssetPage(
        assets=[AssetSummary(**_summary(row, names)) for row in shown], cursor=after.encoded() if after else None
    )


def asset_of(file_key: str, caller: Caller) -> Asset:
    """An accepted file with its renditions, metadata and versions.

    Raises:
        Problem: there is no such asset, or it belongs to another caller.
    """
    row = _visible_row(file_key, caller)
    renditions = signed_renditions(row)
    return Asset(
        **_summary(row, _file_names({row["jobId"]})),
        version_id=row["versionId"],
        sha256=row["sha256"],
        download_url=handed_out(renditions),
        original_url=download(ingest_bucket(), file_key, row["versionId"]),
        renditions=renditions,
        metadata=row["metadata"],
        record=recorded(row),
        versions=_versions(file_key),
        trace_id=row.get("traceId") or None,
    )


def delete(file_key: str, caller: Caller) -> None:
    """Delete an asset's original; the workflow removes the rest on S3's event.

    Raises:
        Problem: there is no such asset, or it belongs to another caller.
    """
    _visible_row(file_key, caller)
    s3().delete_object(Bucket=ingest_bucket(), Key=file_key)


def _visible_row(file_key: str, caller: Caller) -> Row:
    row = find(assets_table(), {"fileKey": file_key}) if _is_key(file_key) else None
    if row is None or DELETED_AT in row or not caller.sees(row):
        raise Problem(ProblemCode.ASSET_NOT_FOUND, file_key=file_key)
    return row


def _is_key(text: str) -> bool:
    """Whether S3 accepts the key: at most 1,024 bytes of UTF-8."""
    try:
        return len(text.encode()) <= _MAX_KEY_BYTES
    except UnicodeEncodeError:
        return False


def _summary(row: Row, names: dict[str, str]) -> dict[str, Any]:
    shown = for_pages(row)
    return {
        "file_key": row["fileKey"],
        "file_name": names.get(row["jobId"]),
        "job_id": row["jobId"],
        "media_type": row["mediaType"],
        "bytes": row["bytes"],
        "measures": row["measures"],
        "persisted_at": row["persistedAt"],
        "thumb_hash": row["metadata"].get("thumbHash"),
        "thumbnail": thumbnail(shown),
        "srcset": srcset(shown),
    }


def _file_names(job_ids: set[str]) -> dict[str, str]:
    """The original file names by job id, of the jobs that still exist."""
    rows = find_all(jobs_table(), "jobId", job_ids)
    return {job_id: row["fileName"] for job_id, row in rows.items() if "fileName" in row}


def _versions(file_key: str) -> list[Version]:
    of_file = Partition(
        table=jobs_table(), index=FILE_KEY_INDEX, key="fileKey", value=file_key, time="createdAt", id="jobId"
    )
    entries, _ = newest([of_file], cursor=None, limit=VERSIONS)
    return [
        Version(
            job_id=entry.id,
            version_id=entry.row.get("versionId"),
            status=reported_status(entry.row),
            created_at=entry.time,
        )
        for entry in entries
    ]


def _partitions(caller: Caller) -> list[Partition]:
    keys = [("shard", SHARD_INDEX, shard) for shard in SHARDS]
    if not caller.is_operator:
        keys = [("owner", OWNER_INDEX, caller.owner)]
    return [
        Partition(table=assets_table(), index=index, key=key, value=value, time="persistedAt", id="fileKey")
        for key, index, value in keys
    ]
