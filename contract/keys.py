"""Object keys: where uploads arrive and where renditions are stored."""

from __future__ import annotations

UPLOADS = "uploads/"
"""Prefix of the ingest bucket. What is stored elsewhere in the bucket is not processed."""

PROCESSED = "processed/"
"""Prefix of the processed bucket under which renditions are stored."""


def renditions_folder(file_key: str, version_id: str) -> str:
    """The folder of the renditions of one file version, so that no other version's renditions can replace them.

    Args:
        file_key: the upload's key, ``uploads/cat.jpg``.
        version_id: S3's version id of the upload.

    Returns:
        A key prefix that ends in ``/``.
    """
    return f"{PROCESSED}{file_key}/{version_id}/"
