"""Whether orders are fulfilled, and which failed."""

from __future__ import annotations

from collections.abc import Iterator

from client.orders import failed_orders
from client.pipeline import Pipeline
from operations.doctor.checks.consumers import queue_is_consumed
from operations.doctor.findings import Finding, ok, warn


def orders_are_fulfilled(pipeline: Pipeline) -> Iterator[Finding]:
    """Functions consume the order queue and its dead-letter queue, and no order waits to be redriven."""
    outputs = pipeline.outputs
    if not outputs.orders_table:
        yield ok("the stack takes no orders")
        return
    yield queue_is_consumed(pipeline, outputs.order_queue_url, "orders are not fulfilled")
    yield queue_is_consumed(pipeline, outputs.order_dlq_url, "failed orders are not recorded")
    failed = failed_orders(pipeline)
    if failed:
        yield warn(
            f"{len(failed)} failed orders wait to be redriven",
            f"see the causes: img-pipeline orders failed --stack {pipeline.stack}; "
            f"once they are fixed: img-pipeline orders redrive --all --stack {pipeline.stack}",
        )
    else:
        yield ok("no failed orders")
