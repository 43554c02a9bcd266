"""A deployed local stack for tests and benchmarks: uploads, waiting, reading queues, tables and buckets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client.pipeline import Pipeline
from client.uploads import Upload
from contract.orders import FulfilConfiguration
from contract.outputs import read_outputs
from localcloud.deployer import deploy
from localcloud.emulator import Emulator
from localcloud.rehearsal import queue_for, release
from testing.pictures import photograph
from testing.waiting import eventually

NO_THROTTLE = {"requestsPerSecond": 1000, "burst": 1000, "uploadsPerSecond": 1000}
"""Settings of an API that takes more requests than are sent."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A deployed stack, its embedded cloud, and a queue that receives S3's events."""

    cloud: Emulator
    pipeline: Pipeline
    tap_url: str
    _events: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs by name."""
        return self.pipeline.outputs.exports()

    def upload(self, file_key: str, body: bytes | None = None) -> Upload:
        """Upload a small photograph, or `body`."""
        return self.pipeline.upload(photograph() if body is None else body, file_key)

    def finish(self, *uploads: Upload, timeout_seconds: float = 60) -> list[dict[str, Any]]:
        """Wait until the uploads' jobs finish and return their rows; the error lists those that did not."""
        rows = self.pipeline.await_jobs(uploads, timeout_seconds=timeout_seconds)
        unfinished = {upload.file_key: row for upload, row in rows.items() if not row or "finishedAt" not in row}
        assert not unfinished, f"not finished after {timeout_seconds} s: {unfinished}"
        return [row for row in rows.values() if row]

    def event_of(self, upload: Upload) -> dict[str, Any]:
        """The "Object Created" event that S3 sent for the upload."""

        def find() -> dict[str, Any] | None:
            for event in self.pipeline.take_messages(self.tap_url):
                self._events[event["detail"]["object"]["version-id"]] = event
            return self._events.get(upload.version_id)

        return eventually(find, f"the event of {upload.file_key}")

    def deliver(self, event: dict[str, Any]) -> None:
        """Send an event to the transform queue, as the rule does."""
        sqs = self.cloud.client("sqs")
        sqs.send_message(QueueUrl=self.outputs["transformQueueUrl"], MessageBody=json.dumps(event))

    def notifications(self, *uploads: Upload) -> list[dict[str, Any]]:
        """The notifications about the uploads in the results subscribers' queues; others are deleted."""
        wanted = {upload.job_id for upload in uploads}
        urls = self.outputs["resultsQueueUrls"].values()
        messages = [message for url in urls for message in self.pipeline.take_messages(url)]
        return [message for message in messages if message.get("jobId") in wanted]

    def await_idle(self, timeout_seconds: float = 60) -> None:
        """Wait until the transform queue is empty: nothing visible, nothing in flight."""
        url = self.outputs["transformQueueUrl"]
        eventually(lambda: self.pipeline.queue_depth(url) == 0, "an empty transform queue", timeout_seconds)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the pipe and wait until its last poll has ended: uploads stay in the queue."""
        pipes, name = self.cloud.client("pipes"), self.outputs["pipeName"]
        pipes.stop_pipe(Name=name)
        try:
            eventually(lambda: pipes.describe_pipe(Name=name)["CurrentState"] == "STOPPED", "the pipe's stop")
            yield
        finally:
            pipes.start_pipe(Name=name)

    @contextmanager
    def unconsumed(self, queue_url: str) -> Iterator[str]:
        """Disable the event source mapping of a queue, whose id this yields: its messages stay in it."""
        functions, arn = self.cloud.client("lambda"), self.pipeline.queue(queue_url).arn
        (mapping,) = functions.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield mapping["UUID"]
        finally:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    @contextmanager
    def broken(self, function: str, **environment: str) -> Iterator[None]:
        """Publish the function with other environment variables, and restore the previous ones at the end."""
        name = self.outputs["functionNames"][function]
        before = release(self.cloud, name, environment)
        try:
            yield
        finally:
            release(self.cloud, name, before)

    @contextmanager
    def failing_orders(self) -> Iterator[None]:
        """Have every attempt at an order fail."""
        configuration = FulfilConfiguration(success_rate=0, presets={}, watermark=None)
        with self.broken("fulfil", ORDER_SETTINGS=configuration.to_json()):
            yield


@contextmanager
def deployed_stack(
    *, data_directory: Path | None = None, pipe_concurrency: int | None = None, **settings: object
) -> Iterator[Stack]:
    """Start an embedded cloud, deploy the local stack into it with other settings, and stop it at the end.

    Without settings for it, the stack has no API, which few tests need.

    Args:
        data_directory: keeps the cloud's state, so that it can be restarted.
        pipe_concurrency: see `Emulator.start`.
        settings: settings of the stack.
    """
    with Emulator.start(
        pipe_retry_seconds=1, data_directory=data_directory, pipe_concurrency=pipe_concurrency
    ) as cloud:
        outputs = deploy(cloud, "local", {"api": {"enabled": False}} | settings)
        yield Stack(
            cloud=cloud,
            pipeline=Pipeline(stack="local", client=cloud.client, outputs=read_outputs(outputs)),
            tap_url=_tap_events(cloud, outputs),
        )


def _tap_events(cloud: Emulator, outputs: dict[str, Any]) -> str:
    """A second rule and queue that receive the same events as the pipeline's."""
    url, arn = queue_for(cloud, "event-tap", "events.amazonaws.com")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [outputs["ingestBucket"]]}}}
    cloud.client("events").put_rule(Name="event-tap", EventPattern=json.dumps(pattern))
    cloud.client("events").put_targets(Rule="event-tap", Targets=[{"Id": "queue", "Arn": arn}])
    return url
