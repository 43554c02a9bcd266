"""What is there: bucket versions, tables, the subscriber's inbox, queues and dead letters, read from the services."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from client.pipeline import Pipeline, Row, row_of
from contract.dead_letters.causes import DeadLetter, explain
from contract.moving import Message
from contract.outputs import DeadLetterKind


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version or delete marker in the ingest bucket."""

    version_id: str
    is_deletion: bool = False


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A message that the subscriber received.

    Attributes:
        message: its body.
        sent_at: when it was put into the subscriber's queue, milliseconds since 1970.
    """

    message: Mapping[str, Any]
    sent_at: int = 0


@dataclass(frozen=True, kw_only=True)
class World:
    """The state of a stack at one time, when nothing is on its way any more.

    Attributes:
        versions: by key, newest first, as S3 lists them.
        jobs: rows of the jobs table by job id.
        assets: rows of the assets table by key, those of deleted files included.
        renditions: keys in the processed bucket.
        notifications: everything that the subscriber received since the stack was deployed.
        rejections: bodies of everything that was ever in the validate DLQ.
        dead_letters: messages in the other dead-letter queues, explained.
        depths: messages in each queue that is no dead-letter queue, by its name.
        orders: rows of the orders table by order id.
        webhooks: bodies that the webhook's receiver accepted.
        has_webhooks: whether the stack tells a receiver.
    """

    versions: Mapping[str, Sequence[Version]] = field(default_factory=dict)
    jobs: Mapping[str, Row] = field(default_factory=dict)
    assets: Mapping[str, Row] = field(default_factory=dict)
    renditions: frozenset[str] = frozenset()
    notifications: Sequence[Notification] = ()
    rejections: Sequence[Mapping[str, Any]] = ()
    dead_letters: Sequence[DeadLetter] = ()
    depths: Mapping[str, int] = field(default_factory=dict)
    orders: Mapping[str, Row] = field(default_factory=dict)
    webhooks: Sequence[Mapping[str, Any]] = ()
    has_webhooks: bool = False


@dataclass(kw_only=True)
class Observer:
    """Reads the world. It is the one subscriber, and takes rejected files out of their dead-letter queue for good."""

    pipeline: Pipeline
    notifications: list[Notification] = field(default_factory=list)
    rejections: list[Mapping[str, Any]] = field(default_factory=list)

    def observe(self, webhooks: Sequence[Mapping[str, Any]] | None = None) -> World:
        """The world now.

        Args:
            webhooks: what the receiver accepted; None for a stack without one.
        """
        outputs = self.pipeline.outputs
        self.take_notifications()
        self.rejections += [json.loads(each.body) for each in self._taken(outputs.validate_dlq_url)]
        return World(
            versions=self._versions(),
            jobs={row["jobId"]: row for row in self.jobs()},
            assets={row["fileKey"]: row for row in self._rows(outputs.assets_table)},
            renditions=frozenset(self._objects(outputs.processed_bucket)),
            notifications=list(self.notifications),
            rejections=list(self.rejections),
            dead_letters=list(self.dead_letters()),
            depths={url.rsplit("/", 1)[-1]: self.pipeline.queue_depth(url) for url in outputs.queue_urls},
            orders={row["orderId"]: row for row in self.orders()},
            webhooks=webhooks or (),
            has_webhooks=webhooks is not None,
        )

    def jobs(self) -> list[Row]:
        """The rows of the jobs table."""
        return list(self._rows(self.pipeline.outputs.jobs_table))

    def orders(self) -> list[Row]:
        """The orders; the table has rows of other kinds too."""
        return [row for row in self._rows(self.pipeline.outputs.orders_table) if "status" in row]

    def take_notifications(self) -> None:
        """Receive what is in the subscriber's queues."""
        for url in self.pipeline.outputs.results_queue_urls.values():
            self.notifications += [
                Notification(message=json.loads(each.body), sent_at=round(each.sent_at * 1000))
                for each in self._taken(url)
            ]

    def dead_letters(self) -> Iterator[DeadLetter]:
        """The messages of every dead-letter queue but that of rejected files, which stay there."""
        for queue in self.pipeline.outputs.dead_letter_queues:
            if queue.kind is DeadLetterKind.REJECTIONS:
                continue
            source, held = self.pipeline.queue(queue.url), list[Message]()
            if source.depth().total:
                while messages := source.receive():
                    held += messages
            why = partial(explain, self.pipeline.jobs, queue)
            for start in range(0, len(held), 10):
                batch = held[start : start + 10]
                yield from why(batch)
                source.release(batch)

    def _taken(self, url: str) -> Iterator[Message]:
        queue = self.pipeline.queue(url)
        if queue.depth().total == 0:  # an empty receive waits a second
            return
        while messages := queue.receive():
            queue.delete(messages)
            yield from messages

    def _versions(self) -> dict[str, list[Version]]:
        found: dict[str, list[Version]] = {}
        pages = self.pipeline.client("s3").get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self.pipeline.outputs.ingest_bucket):
            for entry in page.get("Versions", []):
                found.setdefault(entry["Key"], []).append(Version(version_id=entry["VersionId"]))
            for entry in page.get("DeleteMarkers", []):
                # Markers are a list of their own; where one is the latest, it comes before the key's versions.
                versions = found.setdefault(entry["Key"], [])
                marker = Version(version_id=entry["VersionId"], is_deletion=True)
                versions.insert(0 if entry["IsLatest"] else len(versions), marker)
        return found

    def _objects(self, bucket: str) -> Iterator[str]:
        for page in self.pipeline.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket):
            yield from (entry["Key"] for entry in page.get("Contents", []))

    def _rows(self, table: str) -> Iterator[Row]:
        if not table:
            return
        for page in self.pipeline.client("dynamodb").get_paginator("scan").paginate(TableName=table):
            yield from map(row_of, page["Items"])
