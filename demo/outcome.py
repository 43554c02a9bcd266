"""The outcome of one uploaded file, compared with the expected outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from client.assets import table_facts
from client.pipeline import Pipeline
from client.uploads import Upload
from demo.samples import Sample


@dataclass(kw_only=True)
class Outcome:
    """One uploaded file.

    Attributes:
        sample: the sample with its expected outcome; None for a user's file, which may complete or be rejected.
        problems: differences from the expected outcome; filled by `verify`.
    """

    name: str
    body: bytes
    upload: Upload
    sample: Sample | None = None
    row: Mapping[str, Any] | None = None
    asset: Mapping[str, Any] | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """The job's status; WAITING while it has no row."""
        return self.row["status"] if self.row else "WAITING"

    @property
    def kind(self) -> str:
        """Its kind in the totals: completed, rejected or failed (which includes unfinished jobs)."""
        finished = self.row is not None and "finishedAt" in self.row
        return {"COMPLETED": "completed", "REJECTED": "rejected"}.get(self.status, "failed") if finished else "failed"

    @property
    def reason_code(self) -> str:
        """The job's reason code, or an empty string."""
        return self.row.get("reasonCode", "") if self.row else ""

    @property
    def media_type(self) -> str:
        """What validate recognised; empty if it did not."""
        return self.row.get("mediaType", "") if self.row else ""

    @property
    def rows(self) -> int | None:
        """The rows of a table; None for another file."""
        return table_facts(self.asset).get("rowCount") if self.asset else None

    @property
    def renditions(self) -> Sequence[Mapping[str, Any]]:
        """The renditions in the file's record."""
        return self.asset.get("renditions", []) if self.asset else []

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the file's record has of a picture's metadata."""
        return self.asset.get("metadata", {}) if self.asset else {}

    def stage_milliseconds(self) -> dict[str, int]:
        """Milliseconds from one stage to the next, by the name of the stage that was reached."""
        stamps = (
            [stage for stage in self.row.get("stages", []) if stage["attempt"] == self.row["attempt"]]
            if self.row
            else []
        )
        times = [(stage["stage"], datetime.fromisoformat(stage["at"])) for stage in stamps]
        return {name: round((at - before).total_seconds() * 1000) for (_, before), (name, at) in pairwise(times)}


def verify(outcomes: Sequence[Outcome], pipeline: Pipeline) -> None:
    """Read each file's record, renditions, notification and rejection message, and note what is missing.

    Empties the results queues and the validate DLQ, which have no other consumer in the demo.
    """
    notified = {
        message["jobId"]
        for url in pipeline.outputs.results_queue_urls.values()
        for message in pipeline.take_messages(url)
    }
    explained = {
        message["file"]["jobId"]: message["reasonCode"]
        for message in pipeline.take_messages(pipeline.outputs.validate_dlq_url)
    }
    for outcome in outcomes:
        job_id = outcome.upload.job_id
        if outcome.kind == "failed":
            outcome.problems.append(f"ended as {outcome.status} {outcome.reason_code}".rstrip())
            continue
        sample = outcome.sample
        if sample and (outcome.status, outcome.reason_code) != (sample.status, sample.reason_code):
            outcome.problems.append(f"expected {sample.status} {sample.reason_code}".rstrip())
        if job_id not in notified:
            outcome.problems.append("no notification arrived")
        if outcome.kind == "rejected" and explained.get(job_id) != outcome.reason_code:
            outcome.problems.append("its message is not in the validate DLQ")
        if outcome.kind == "completed":
            _verify_record(outcome, pipeline)


def _verify_record(outcome: Outcome, pipeline: Pipeline) -> None:
    outcome.asset = pipeline.asset(outcome.upload.file_key)
    if outcome.asset is None or outcome.asset["versionId"] != outcome.upload.version_id:
        outcome.problems.append("no record of this version")
    if not outcome.renditions:
        outcome.problems.append("no renditions")
    for rendition in outcome.renditions:
        head = pipeline.client("s3").head_object(Bucket=pipeline.outputs.processed_bucket, Key=rendition["key"])
        if head["ContentLength"] != rendition["bytes"]:
            outcome.problems.append(f"{rendition['name']} has {head['ContentLength']} bytes, not {rendition['bytes']}")
