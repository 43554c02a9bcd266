"""Whether a function consumes a queue."""

from __future__ import annotations

from client.pipeline import Pipeline
from operations.doctor.findings import Finding, fail, ok, redeploy


def queue_is_consumed(pipeline: Pipeline, queue_url: str, consequence: str) -> Finding:
    """The queue has an event source mapping that is enabled.

    Args:
        pipeline: the deployed stack.
        queue_url: the queue.
        consequence: what is not done otherwise, such as "webhooks are not delivered".
    """
    queue = pipeline.queue(queue_url)
    mappings = pipeline.client("lambda").list_event_source_mappings(EventSourceArn=queue.arn)["EventSourceMappings"]
    if not mappings:
        return fail(f"no function consumes {queue.name}: {consequence}", redeploy(pipeline))
    mapping = mappings[0]
    if mapping["State"] == "Enabled":
        return ok(f"the function consumes {queue.name}")
    return fail(
        f"the event source mapping of {queue.name} is {mapping['State']}: {consequence}",
        f"aws lambda update-event-source-mapping --uuid {mapping['UUID']} --enabled",
    )
