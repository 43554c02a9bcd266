"""The functions that consume queues."""

from __future__ import annotations

from dataclasses import dataclass

from client.pipeline import Pipeline

ENABLED = "Enabled"


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """An event source mapping: what gives a queue's messages to a function.

    Attributes:
        uuid: its id.
        state: such as `ENABLED`.
    """

    uuid: str
    state: str

    @property
    def enable_command(self) -> str:
        """The command that enables it."""
        return f"aws lambda update-event-source-mapping --uuid {self.uuid} --enabled"


def consumer_of(pipeline: Pipeline, queue_url: str) -> Consumer | None:
    """The event source mapping of a queue; None if no function consumes it."""
    arn = pipeline.queue(queue_url).arn
    mappings = pipeline.client("lambda").list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    return Consumer(uuid=mappings[0]["UUID"], state=mappings[0]["State"]) if mappings else None
