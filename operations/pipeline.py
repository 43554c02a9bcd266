"""A deployed stack as its user sees it: put a file in, ask what became of it."""

from __future__ import annotations

import json
import mimetypes
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from contract.jobs import possible_job_ids, version_job_id

# What a job ends as. FAILED is not among them: the queue delivers the file again until its retries are used up.
FINAL_STATUSES = frozenset({"COMPLETED", "REJECTED", "SUPERSEDED"})

# mimetypes learned these only in later Python versions.
_CONTENT_TYPES = {".avif": "image/avif", ".heic": "image/heic", ".webp": "image/webp"}


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One version of one file in the ingest bucket."""

    bucket: str
    file_key: str
    version_id: str

    @property
    def job_id(self) -> str:
        """The job's own id, which every version has whose key carries none."""
        return version_job_id(self.bucket, self.file_key, self.version_id)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Clients for one stack.

    Args:
        client: gives a boto3 client by service name, with the credentials and endpoint to use.
        outputs: the stack's outputs, by name (see `__main__.py`).
    """

    client: Callable[[str], Any]
    outputs: Mapping[str, Any]
    _deserializer: TypeDeserializer = field(default_factory=TypeDeserializer, repr=False)

    def upload(self, body: bytes | Path, file_key: str, content_type: str | None = None) -> Upload:
        """Put bytes or a file under `file_key`; the content type is guessed from the key's extension unless given."""
        content_type = content_type or content_type_of(file_key)
        arguments = {"Bucket": self.outputs["ingestBucket"], "Key": file_key, "ContentType": content_type}
        if isinstance(body, Path):
            with body.open("rb") as stream:
                answer = self.client("s3").put_object(Body=stream, **arguments)
        else:
            answer = self.client("s3").put_object(Body=body, **arguments)
        return Upload(bucket=self.outputs["ingestBucket"], file_key=file_key, version_id=answer["VersionId"])

    def job(self, upload: Upload) -> dict[str, Any] | None:
        """The upload's row of the jobs table, or None while the workflow has not received it."""
        ids = possible_job_ids(upload.bucket, upload.file_key, upload.version_id)
        rows = (self._item(self.outputs["jobsTable"], {"jobId": {"S": job_id}}) for job_id in ids)
        return next((row for row in rows if row and row.get("versionId") == upload.version_id), None)

    def asset(self, file_key: str) -> dict[str, Any] | None:
        """The file's row of the assets table: its newest completed version, or None."""
        return self._item(self.outputs["assetsTable"], {"fileKey": {"S": file_key}})

    def await_jobs(
        self,
        uploads: Iterable[Upload],
        *,
        timeout_seconds: float,
        until: frozenset[str] = FINAL_STATUSES,
        on_change: Callable[[Upload, dict[str, Any]], None] | None = None,
        poll_seconds: float = 0.2,
    ) -> dict[Upload, dict[str, Any] | None]:
        """Wait until each upload's job has a status in `until` and return the rows; what is late comes back as it is.

        A row counts as ended for COMPLETED, REJECTED and SUPERSEDED only with `finishedAt`: the notification is out.
        """
        pending = list(dict.fromkeys(uploads))
        rows: dict[Upload, dict[str, Any] | None] = dict.fromkeys(pending)
        deadline = time.monotonic() + timeout_seconds
        while pending and time.monotonic() < deadline:
            for upload in list(pending):
                row = self.job(upload)
                if row is None:
                    continue
                if row != rows[upload]:
                    rows[upload] = row
                    if on_change:
                        on_change(upload, row)
                if row["status"] in until and (row["status"] == "FAILED" or "finishedAt" in row):
                    pending.remove(upload)
            if pending:
                time.sleep(poll_seconds)
        return rows

    def queue_depth(self, queue_url: str) -> int:
        """Messages in the queue, visible and in flight."""
        attributes = self.client("sqs").get_queue_attributes(
            QueueUrl=queue_url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return sum(int(value) for value in attributes.values())

    def take_messages(self, queue_url: str) -> list[dict[str, Any]]:
        """Receive and delete what the queue holds now; bodies parsed from JSON, in the order received."""
        bodies: list[dict[str, Any]] = []
        sqs = self.client("sqs")
        while True:
            answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
            messages = answer.get("Messages", [])
            if not messages:
                return bodies
            bodies += [json.loads(message["Body"]) for message in messages]
            sqs.delete_message_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )

    def _item(self, table: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        item = self.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return {name: self._deserializer.deserialize(value) for name, value in item.items()} if item else None


def content_type_of(name: str) -> str:
    """The MIME type that a name's extension declares; `application/octet-stream` where it declares none."""
    suffix = Path(name).suffix.lower()
    return _CONTENT_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
