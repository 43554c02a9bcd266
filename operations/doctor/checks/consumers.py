"""Whether a function consumes a queue."""

from __future__ import annotations

from client.consumers import ENABLED, consumer_of
from client.pipeline import Pipeline
from operations.doctor.findings import Finding, fail, ok, redeploy


def queue_is_consumed(pipeline: Pipeline, queue_url: str, consequence: str) -> Finding:
    """The queue has an event source mapping that is enabled.

    Args:
        pipeline: the deployed stack.
        queue_url: the queue.
        consequence: what is not done otherwise, such as "webhooks are not delivered".
    """
    name, consumer = pipeline.queue(queue_url).name, consumer_of(pipeline, queue_url)
    if consumer is None:
        return fail(f"no function consumes {name}: {consequence}", redeploy(pipeline))
    if consumer.state == ENABLED:
        return ok(f"the function consumes {name}")
    return fail(f"the event source mapping of {name} is {consumer.state}: {consequence}", consumer.enable_command)
