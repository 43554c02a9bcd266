"""Jobs: one for each version of an uploaded file. Their ids, statuses and stages."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum

from contract.keys import UPLOADS

JOB_ID_DIGITS = 32
"""Hexadecimal digits, lower case."""

KEY_WITH_JOB_ID = rf"^{UPLOADS}[0-9a-f]{{{JOB_ID_DIGITS}}}/[^/]+$"
"""A key that carries the id of its job, because whoever handed out the key chose the id first. A regular expression
that Python and JSONata read alike."""


FILE_KEY_INDEX, STATUS_INDEX = "fileKey-index", "status-index"
"""The jobs table's indexes: the jobs of one file, and the jobs with one status, each by time of creation."""


class JobStatus(StrEnum):
    """The `status` of a row in the jobs table."""

    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    SUPERSEDED = "SUPERSEDED"
    FAILED = "FAILED"


FINAL_STATUSES = frozenset({JobStatus.COMPLETED, JobStatus.REJECTED, JobStatus.SUPERSEDED})
"""What a job ends as. FAILED is not among them: the queue delivers the file again until its receives are used up."""


class Stage(StrEnum):
    """How far an attempt has come: an entry of a job's `stages`. The last entry is the status it ended in."""

    RECEIVED = "RECEIVED"
    VALIDATED = "VALIDATED"
    TRANSFORMED = "TRANSFORMED"
    PERSISTED = "PERSISTED"
    PUBLISHED = "PUBLISHED"


def key_job_id(file_key: str) -> str | None:
    """The job id that a key carries: ``uploads/{32 hex digits}/{name}``. None for any other key.

    The id belongs to the first version under the key; later versions have the id that `version_job_id` derives.
    """
    return file_key[len(UPLOADS) :][:JOB_ID_DIGITS] if re.search(KEY_WITH_JOB_ID, file_key) else None


def version_job_id(bucket: str, file_key: str, version_id: str) -> str:
    """The job id of a file version whose key carries none: the first half of a SHA-256, in hexadecimal digits."""
    return hashlib.sha256(f"{bucket}/{file_key}#{version_id}".encode()).hexdigest()[:JOB_ID_DIGITS]


def possible_job_ids(bucket: str, file_key: str, version_id: str) -> tuple[str, ...]:
    """The ids under which the jobs table may hold a file version; its own row is the one with its `versionId`.

    Returns:
        One id, or two where the key carries one: whether the version is the key's first is known only once it is
        processed.
    """
    derived = version_job_id(bucket, file_key, version_id)
    carried = key_job_id(file_key)
    return (carried, derived) if carried else (derived,)
