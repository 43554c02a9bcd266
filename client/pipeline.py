"""A deployed stack: uploads, jobs, assets and queues."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from client.uploads import Upload, content_type_of
from contract.assets import DELETED_AT
from contract.clock import Clock, SystemClock
from contract.jobs import key_job_id
from contract.outputs import StackOutputs
from contract.queues import SqsQueue

# The number of rows that DynamoDB returns in one call ("BatchGetItem", Amazon DynamoDB API Reference).
ROWS_PER_CALL = 100

Row = dict[str, Any]
"""A row of a table, by attribute name; numbers are `Decimal`."""

_deserializer = TypeDeserializer()


def is_finished(row: Mapping[str, Any]) -> bool:
    """Whether a job has ended and its notification is out. A failed job has not: the queue delivers it again."""
    return "finishedAt" in row


def row_of(item: Mapping[str, Any]) -> Row:
    """A DynamoDB item as Python values."""
    return {name: _deserializer.deserialize(value) for name, value in item.items()}


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A deployed stack.

    Args:
        stack: its name.
        outputs: what it exports, see `contract.outputs.read_outputs`.
        client: returns a boto3 client by service name, with the credentials, region and endpoint to use.
        endpoint_url: where the stack is, if that is not AWS.
    """

    stack: str
    outputs: StackOutputs[str]
    client: Callable[[str], Any]
    endpoint_url: str | None = None

    @property
    def region(self) -> str:
        """The region that the stack is in."""
        return self.outputs.region

    @property
    def local(self) -> bool:
        """Whether the stack is somewhere else than on AWS."""
        return self.endpoint_url is not None

    @property
    def account_id(self) -> str:
        """The account that the stack is in."""
        return self.client("sts").get_caller_identity()["Account"]

    def upload(self, body: bytes | Path, file_key: str, content_type: str | None = None) -> Upload:
        """Put bytes or a file under `file_key`; the content type is guessed from the key's extension by default."""
        bucket = self.outputs.ingest_bucket
        arguments = {"Bucket": bucket, "Key": file_key, "ContentType": content_type or content_type_of(file_key)}
        if isinstance(body, Path):
            with body.open("rb") as stream:
                answer = self.client("s3").put_object(Body=stream, **arguments)
        else:
            answer = self.client("s3").put_object(Body=body, **arguments)
        return Upload(bucket=bucket, file_key=file_key, version_id=answer["VersionId"])

    def job(self, upload: Upload) -> Row | None:
        """The upload's row of the jobs table; None while the workflow has not received it."""
        return self.jobs_of([upload]).get(upload)

    def job_id(self, upload: Upload) -> str:
        """The id of the upload's job, determined as the workflow does it, whether or not the job exists yet.

        The id in a key belongs to the first version under the key; any other version has the derived id.
        """
        carried = key_job_id(upload.file_key)
        if carried is None:
            return upload.job_id
        owner = self.jobs([carried]).get(carried, {}).get("versionId")
        is_owner = owner == upload.version_id if owner else self._is_first_version(upload)
        return carried if is_owner else upload.job_id

    def _is_first_version(self, upload: Upload) -> bool:
        """Whether S3 lists no older version and no older delete marker under the key."""
        page = self.client("s3").list_object_versions(
            Bucket=upload.bucket,
            Prefix=upload.file_key,
            KeyMarker=upload.file_key,
            VersionIdMarker=upload.version_id,
            MaxKeys=1,
        )
        older = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        return all(entry["Key"] != upload.file_key for entry in older)

    def jobs_of(self, uploads: Iterable[Upload]) -> dict[Upload, Row]:
        """Rows of the jobs table by upload; uploads without a row are left out."""
        wanted = list(uploads)
        rows = self.jobs(job_id for upload in wanted for job_id in upload.possible_job_ids)
        own = ((upload, rows.get(job_id)) for upload in wanted for job_id in upload.possible_job_ids)
        return {upload: row for upload, row in own if row and row.get("versionId") == upload.version_id}

    def jobs(self, job_ids: Iterable[str]) -> dict[str, Row]:
        """Rows of the jobs table by job id; ids without a row are left out."""
        return self._rows(self.outputs.jobs_table, "jobId", job_ids)

    def asset(self, file_key: str) -> Row | None:
        """The file's row of the assets table, which is about its newest completed version; None without one."""
        return self.assets([file_key]).get(file_key)

    def assets(self, file_keys: Iterable[str]) -> dict[str, Row]:
        """Rows of the assets table by key; keys without a row and deleted files are left out."""
        return {key: row for key, row in self.records(file_keys).items() if DELETED_AT not in row}

    def records(self, file_keys: Iterable[str]) -> dict[str, Row]:
        """Rows of the assets table by key, those of deleted files included; see `contract.assets.DELETED_AT`."""
        return self._rows(self.outputs.assets_table, "fileKey", file_keys)

    def scan_assets(self, prefix: str) -> Iterator[Row]:
        """Every asset whose key begins with `prefix`, but deleted ones; reads the whole table, page by page."""
        pages = self.client("dynamodb").get_paginator("scan")
        for page in pages.paginate(
            TableName=self.outputs.assets_table,
            FilterExpression=f"begins_with(fileKey, :prefix) AND attribute_not_exists({DELETED_AT})",
            ExpressionAttributeValues={":prefix": {"S": prefix}},
        ):
            yield from map(row_of, page["Items"])

    def await_jobs(
        self,
        uploads: Iterable[Upload],
        *,
        timeout_seconds: float,
        is_over: Callable[[Row], bool] = is_finished,
        on_change: Callable[[Upload, Row], None] | None = None,
        poll_seconds: float = 0.2,
        clock: Clock | None = None,
    ) -> dict[Upload, Row | None]:
        """Wait until the uploads' jobs are over, and return their rows. A job that is late is returned as it is.

        Args:
            uploads: what to wait for.
            timeout_seconds: the longest wait for all of them together.
            is_over: whether a row needs no more waiting.
            on_change: called with each row that is new or has changed.
            poll_seconds: between two readings.
            clock: once it is requested to stop, the wait ends.
        """
        clock = clock or SystemClock()
        rows: dict[Upload, Row | None] = dict.fromkeys(uploads)
        pending = set(rows)
        deadline = clock.now() + timeout_seconds
        while pending and not clock.requested and clock.now() < deadline:
            for upload, row in self.jobs_of(pending).items():
                if on_change and row != rows[upload]:
                    on_change(upload, row)
                rows[upload] = row
                if is_over(row):
                    pending.discard(upload)
            if pending:
                clock.sleep(poll_seconds)
        return rows

    def queue(self, url: str, **options: Any) -> SqsQueue:
        """One of the stack's queues; see `SqsQueue` for the options."""
        return SqsQueue(self.client("sqs"), url, **options)

    def queue_depth(self, queue_url: str) -> int:
        """The number of messages in the queue, including those in flight."""
        return self.queue(queue_url).depth().total

    def take_messages(self, queue_url: str) -> list[dict[str, Any]]:
        """Receive and delete all messages of the queue; bodies parsed from JSON, in the order received."""
        return self.queue(queue_url).take_all()

    def _rows(self, table: str, key: str, values: Iterable[str]) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        wanted = iter(dict.fromkeys(values))
        while batch := list(islice(wanted, ROWS_PER_CALL)):
            rows |= {row[key]: row for row in self._batch(table, [{key: {"S": value}} for value in batch])}
        return rows

    def _batch(self, table: str, keys: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
        request: Mapping[str, Any] = {table: {"Keys": keys, "ConsistentRead": True}}
        while request:
            answer = self.client("dynamodb").batch_get_item(RequestItems=request)
            yield from map(row_of, answer["Responses"].get(table, []))
            # What did not fit into one answer, or was throttled.
            request = answer.get("UnprocessedKeys", {})
