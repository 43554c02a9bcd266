"""`img-pipeline trace` of an order: from its request to its result, on one timeline.

The sources are the order's row, its row in the table of failed orders, the logs of the order workflow and of the
functions that fulfil orders or give them up and, for an order that is waiting, the queue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from client.consumers import ENABLED, consumer_of
from client.orders import FUNCTIONS, WORKFLOW, find_failure
from client.pipeline import Pipeline, Row
from client.timeline import LOG_MARGIN, Entry, by_time, log_entry, search_logs
from contract.orders import ORDER_ID, FailedOrderStatus, OrderStatus, back_off_seconds

# Rows with the time of something that happened, and what that was.
_MOMENTS = {
    "fulfilledAt": ("orders table", "fulfilled with {renditions} renditions"),
    "publishedAt": ("results topic", "OrderFulfilled was published"),
}
_FAILURE_MOMENTS = {
    "failedAt": "given up after {attempts} attempts with {code}: FAILED",
    "redrivenAt": "redriven",
    "closedAt": "closed: the order is fulfilled after all",
}


@dataclass(frozen=True, kw_only=True)
class OrderTrace:
    """Everything found about an order.

    Attributes:
        order: its row.
        entries: what happened, in order.
        now: its current state, in sentences.
    """

    order: Row
    entries: tuple[Entry, ...]
    now: tuple[str, ...]


def trace_order(pipeline: Pipeline, order: Row) -> OrderTrace:
    """Find everything about an order.

    Args:
        pipeline: the stack.
        order: its row.
    """
    failure = find_failure(pipeline, order[ORDER_ID]) or {}
    logged = list(_log_entries(pipeline, order, failure))
    return OrderTrace(
        order=order,
        entries=by_time([*_row_entries(order), *_failure_entries(failure), *logged]),
        now=tuple(_now(pipeline, order, failure, logged)),
    )


def _period(order: Row, failure: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """The first and the last moment at which something is logged about an order; an open one has no end."""
    begin = datetime.fromisoformat(order["createdAt"])
    if order["status"] == OrderStatus.PROCESSING:
        return begin - LOG_MARGIN, datetime.now(UTC) + LOG_MARGIN
    times = [
        row[name] for row in (order, failure) for name in ("updatedAt", *_MOMENTS, *_FAILURE_MOMENTS) if name in row
    ]
    return begin - LOG_MARGIN, max(map(datetime.fromisoformat, times)) + LOG_MARGIN


def _row_entries(order: Row) -> Iterator[Entry]:
    placed, count = datetime.fromisoformat(order["createdAt"]), len(order["renditions"])
    if order["status"] == OrderStatus.REJECTED:
        yield Entry(at=placed, where="orders table", what=f"REJECTED as {order['code']}", failed=True)
        return
    yield Entry(at=placed, where="orders table", what=f"stored: {count} renditions of {order['fileKey']}")
    for name, (where, what) in _MOMENTS.items():
        if name in order:
            text = what.format(renditions=len(order.get("results", ())))
            yield Entry(at=datetime.fromisoformat(order[name]), where=where, what=text)


def _failure_entries(failure: Mapping[str, Any]) -> Iterator[Entry]:
    for name, what in _FAILURE_MOMENTS.items():
        if name in failure:
            at = datetime.fromisoformat(failure[name])
            yield Entry(at=at, where="failed orders", what=what.format(**failure), failed=name == "failedAt")


def _log_entries(pipeline: Pipeline, order: Row, failure: Mapping[str, Any]) -> Iterator[Entry]:
    """The lines that name the order. An execution's name is the order's id, so the workflow's lines are among them."""
    for line in search_logs(pipeline, (WORKFLOW, *FUNCTIONS), [order[ORDER_ID]], _period(order, failure)):
        if entry := log_entry(line):
            yield entry


def _now(pipeline: Pipeline, order: Row, failure: Mapping[str, Any], logged: list[Entry]) -> Iterator[str]:
    """The order's current state, in sentences."""
    match order["status"]:
        case OrderStatus.FULFILLED if "publishedAt" in order:
            yield "Finished: fulfilled and published; no action is needed."
        case OrderStatus.FULFILLED:
            yield "Fulfilled, but not published yet: the queue delivers its message again until it is."
        case OrderStatus.REJECTED:
            yield f"Rejected as {order['code']}: {order['reason']} {order['hint']}"
        case OrderStatus.FAILED:
            yield f"Failed after {order['attempts']} attempts with {order['code']}: {order['reason']} {order['hint']}"
            yield f"Once the cause is fixed, `{_redrive(pipeline, order)}` has it tried again."
        case _:
            if failure.get("status") == FailedOrderStatus.REDRIVEN:
                yield f"It had failed with {failure['code']}, and was redriven at {failure['redrivenAt']}."
            yield from _waiting(pipeline, order, logged)


def _waiting(pipeline: Pipeline, order: Row, logged: list[Entry]) -> Iterator[str]:
    """Why an order is still processed, and when it is tried again."""
    queue = pipeline.queue(pipeline.outputs.order_queue_url)
    depth, attempt = queue.depth(), int(order["attempts"])
    if "code" in order:
        yield f"Attempt {attempt} failed with {order['code']}: {order['reason']}"
        yield _next_attempt(attempt, queue.max_receive_count(), [entry.at for entry in logged if entry.failed])
    elif attempt:
        hidden = queue.visibility_timeout_seconds()
        yield (
            f"Attempt {attempt} is in progress; if it stopped without an error, the queue delivers the order again "
            f"{hidden} s after it began."
        )
    else:
        yield "No attempt has begun."
    yield f"The order queue holds {depth.visible} to deliver and {depth.in_flight} in flight."
    if not depth.total and "code" not in order:
        yield f"So it has no message: `{_redrive(pipeline, order)}` queues it again."
    given_up = pipeline.queue(pipeline.outputs.order_dlq_url).depth().total
    if given_up:
        yield f"Its dead-letter queue holds {given_up}, which the function failed_order records."
    for function, url in zip(
        FUNCTIONS, (pipeline.outputs.order_queue_url, pipeline.outputs.order_dlq_url), strict=True
    ):
        consumer = consumer_of(pipeline, url)
        if consumer is None or consumer.state != ENABLED:
            state = consumer.state if consumer else "missing"
            advice = f": `{consumer.enable_command}`" if consumer else ""
            yield f"The function {function} receives nothing: its event source mapping is {state}{advice}."


def _next_attempt(attempt: int, attempts: int, failed_at: Sequence[datetime]) -> str:
    """When a failed attempt is repeated; a redriven order has as many attempts again."""
    wait = back_off_seconds((attempt - 1) % attempts + 1)
    then = f", at about {max(failed_at) + timedelta(seconds=wait):%H:%M:%S} UTC" if failed_at else ""
    if attempt % attempts == 0:
        return f"That was the last of {attempts}: its message moves to the dead-letter queue {wait} s after it{then}."
    return f"The next of {attempts} attempts follows {wait} s after it{then}."


def _redrive(pipeline: Pipeline, order: Row) -> str:
    return f"img-pipeline orders redrive {order[ORDER_ID]} --stack {pipeline.stack}"
