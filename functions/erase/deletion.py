"""A deletion, as the workflow describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.events import PERMANENTLY_DELETED


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """A file that was deleted, or one version of it.

    Args:
        bucket: the ingest bucket.
        file_key: the object's key, not URL-encoded.
        version_id: the version that is gone; of a deleted file, its delete marker.
        sequencer: orders the deletion among the versions of the key; 32 digits that compare as text.
        version_only: whether other versions of the file stay as they are.
        is_late: whether the version was processed after its file was deleted, so that the record says so already.
        requested_by: who deleted it, as S3's event says: an account, or a service.
        requested_at: when, ISO 8601.
    """

    bucket: str
    file_key: str
    version_id: str
    sequencer: str
    version_only: bool
    is_late: bool
    requested_by: str
    requested_at: str

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Deletion:
        """Read the workflow's payload: its `file`, and the `deletion` of S3's event unless that was recorded before."""
        file, deletion = payload["file"], payload.get("deletion")
        return cls(
            bucket=file["bucket"],
            file_key=file["fileKey"],
            version_id=file["versionId"],
            sequencer=file["sequencer"],
            version_only=deletion is None or deletion["type"] == PERMANENTLY_DELETED,
            is_late=deletion is None,
            requested_by=(deletion or {}).get("requestedBy", ""),
            requested_at=file["eventTime"],
        )
