"""Jobs: one for each version of an uploaded file. Their ids, statuses and stages."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum

from contract.keys import UPLOADS

JOB_ID_DIGITS = 32
"""Hexadecimal digits, lower case."""

KEY_WITH_JOB_ID = rf"^{UPLOADS}[0-9a-f]{{{JOB_ID_DIGITS}}}/[^/]+$"
"""Matches keys that contain their job's id, as the API creates them. A regular expression for Python and JSONata."""


FILE_KEY_INDEX, STATUS_INDEX, OWNER_INDEX = "fileKey-index", "status-index", "owner-index"
"""The jobs table's indexes: the jobs of one file, with one status, and of one caller of the API, each by time of
creation."""


class JobStatus(StrEnum):
    """The `status` of a row in the jobs table."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    SUPERSEDED = "SUPERSEDED"
    FAILED = "FAILED"


FINAL_STATUSES = frozenset({JobStatus.COMPLETED, JobStatus.REJECTED, JobStatus.SUPERSEDED})
"""Statuses that do not change any more. FAILED is not one: the queue redelivers the message."""


class Stage(StrEnum):
    """The progress of an attempt: an entry of a job's `stages`. The last entry is the attempt's final status."""

    RECEIVED = "RECEIVED"
    VALIDATED = "VALIDATED"
    TRANSFORMED = "TRANSFORMED"
    PERSISTED = "PERSISTED"
    PUBLISHED = "PUBLISHED"


def key_job_id(file_key: str) -> str | None:
    """The job id in a key ``uploads/{32 hex digits}/{name}``; None for any other key.

    Only the key's first version has this id; later versions have the id that `version_job_id` derives.
    """
    return file_key[len(UPLOADS) :][:JOB_ID_DIGITS] if re.search(KEY_WITH_JOB_ID, file_key) else None


def version_job_id(bucket: str, file_key: str, version_id: str) -> str:
    """The derived job id of a file version: the first half of a SHA-256, in hexadecimal digits."""
    return hashlib.sha256(f"{bucket}/{file_key}#{version_id}".encode()).hexdigest()[:JOB_ID_DIGITS]


def possible_job_ids(bucket: str, file_key: str, version_id: str) -> tuple[str, ...]:
    """The job ids that a file version can have in the jobs table; its row is the one with its `versionId`.

    Returns:
        One id, or two if the key contains one: whether the version is the key's first is known only after it is
        processed.
    """
    derived = version_job_id(bucket, file_key, version_id)
    in_key = key_job_id(file_key)
    return (in_key, derived) if in_key else (derived,)
