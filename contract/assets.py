"""The assets table: one record for each file, of its latest version that was accepted; or that the file was deleted."""

from __future__ import annotations

OWNER_INDEX, SHARD_INDEX = "owner-index", "shard-index"
"""The table's indexes: the assets of one owner, and those of one shard, each by the time they were recorded."""

SHARDS = "0123456789abcdef"
"""The values of `shard`, the job id's first digit. A listing of all assets reads each, and writes spread over them."""

NO_OWNER = "direct"
"""The `owner` of an asset that was put into the bucket by something other than the API."""

DELETED_AT = "deletedAt"
"""An attribute that only the record of a deleted file has. Such a record is there to refuse late events of the file's
older versions, and whoever reads the table treats it as no record."""

DELETED_RUN = "~deleted"
"""The `run` of such a record: greater than that of any request to process a version again."""

DELETED_DAYS = 60
"""Days that such a record is kept: longer than an event can be late, which is a day with EventBridge, four in the
transform queue and fourteen in its dead-letter queue."""

WATERMARKED = "watermark"
"""The `name` of the rendition that the transform of this name makes: the picture that is handed out."""
