"""The assets table: one record for each file, about its latest accepted version or its deletion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OWNER_INDEX, SHARD_INDEX = "owner-index", "shard-index"
"""The table's indexes: the assets of one owner, and those of one shard, each by the time they were recorded."""

SHARDS = "0123456789abcdef"
"""The values of `shard`, the job id's first digit. They spread writes; listing all assets reads each."""

NO_OWNER = "direct"
"""The `owner` of an asset that was uploaded to the bucket without the API."""

PROCESSED_VERSION = "processedVersionId"
"""The version that a record's renditions were made from, where that is not its `versionId`: a later upload with the
same content was not processed again."""

DELETED_AT = "deletedAt"
"""An attribute of the record of a deleted file only. Such a record refuses late events of older versions; readers
of the table treat it as missing."""

DELETED_RUN = "~deleted"
"""The `run` of the record of a deleted file: greater than the `run` of any request to process a version again."""

DELETED_DAYS = 60
"""Days that the record of a deleted file is kept. An event can be late by a day in EventBridge, four in the transform
queue and fourteen in its dead-letter queue."""

WATERMARKED = "watermark"
"""The `name` of the watermark transform's rendition, which `downloadUrl` returns."""

PIPELINE_ATTRIBUTES = frozenset(
    {
        *("fileKey", "owner", "shard", "sequencer", "run", "versionId", "bucket", "jobId", "mediaType", "bytes"),
        *("measures", "sha256", "renditions", "metadata", "eventTime", "persistedAt", "publishedAt", "executionName"),
        *("traceId", "expiresAt", PROCESSED_VERSION, DELETED_AT),
    }
)
"""The attributes of a record that the pipeline writes. A transform's `record` can have any other."""


def recorded(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the transforms recorded of a file at the top level of its record, such as a table's `rowCount`."""
    return {name: value for name, value in row.items() if name not in PIPELINE_ATTRIBUTES}
