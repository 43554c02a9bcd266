"""Prefixes of object keys of uploads and renditions."""

from __future__ import annotations

UPLOADS = "uploads/"
"""Prefix of uploads in the ingest bucket. Objects with other keys are not processed."""

PROCESSED = "processed/"
"""Prefix of renditions in the processed bucket."""


def renditions_folder(file_key: str, version_id: str) -> str:
    """The folder of one file version's renditions, so that another version cannot replace them.

    Args:
        file_key: the upload's key, ``uploads/cat.jpg``.
        version_id: S3's version id of the upload.

    Returns:
        A key prefix that ends in ``/``.
    """
    return f"{PROCESSED}{file_key}/{version_id}/"
