"""Removes the renditions of a deleted file, but not those of a version that is newer than the deletion."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from contract.jobs import possible_job_ids
from contract.keys import PROCESSED, renditions_folder
from functions.erase.deletion import Deletion
from functions.shared.aws import failures_named

Stored = dict[str, str]
"""An object version in the processed bucket, as DeleteObject takes it: Key and VersionId."""


def remove_renditions(s3: Any, dynamodb: Any, bucket: str, jobs_table: str, deletion: Deletion) -> int:
    """Remove what was made from the deleted versions, every version of each object included.

    Args:
        s3: an S3 client.
        dynamodb: a DynamoDB client.
        bucket: the processed bucket.
        jobs_table: says how the versions of the file are ordered.
        deletion: what was deleted.

    Returns:
        How many objects were removed.

    Raises:
        TransientError, AccessError: S3 or the table refused, see `aws.failures_named`.
    """
    removed = set[str]()
    for version_id, stored in groupby(_renditions(s3, bucket, deletion), key=lambda each: _folder(deletion, each)):
        if not (deletion.version_only or _is_older(dynamodb, jobs_table, deletion, version_id)):
            continue
        for each in stored:
            with failures_named(f"delete s3://{bucket}/{each['Key']} version {each['VersionId']}"):
                s3.delete_object(Bucket=bucket, **each)
            removed.add(each["Key"])
    return len(removed)


def _renditions(s3: Any, bucket: str, deletion: Deletion) -> Iterator[Stored]:
    """Every rendition of the file, or of its deleted version; none of a file whose key begins with this one's."""
    file_folder = f"{PROCESSED}{deletion.file_key}/"
    one_folder = renditions_folder(deletion.file_key, deletion.version_id)
    prefix = one_folder if deletion.version_only else file_folder
    with failures_named(f"list the renditions under s3://{bucket}/{prefix}"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            for each in sorted(listed, key=lambda each: each["Key"]):
                if each["Key"].removeprefix(file_folder).count("/") == 1:
                    yield {"Key": each["Key"], "VersionId": each["VersionId"]}


def _folder(deletion: Deletion, stored: Stored) -> str:
    """The version of the file that an object was made from: the name of its folder."""
    return stored["Key"].removeprefix(f"{PROCESSED}{deletion.file_key}/").partition("/")[0]


def _is_older(dynamodb: Any, table: str, deletion: Deletion, version_id: str) -> bool:
    """Whether a version came before the deletion. One without a job did: its job has been removed by time to live."""
    for job_id in possible_job_ids(deletion.bucket, deletion.file_key, version_id):
        with failures_named(f"read from {table}"):
            job = dynamodb.get_item(TableName=table, Key={"jobId": {"S": job_id}}, ConsistentRead=True).get("Item", {})
        if job.get("versionId", {}).get("S") == version_id:
            return job["sequencer"]["S"] <= deletion.sequencer
    return True
