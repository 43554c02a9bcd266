"""Has failed orders tried again, as many as one call has time for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from contract.clock import Deadline
from contract.redriving import OrderStore
from functions.http_api.callers import Caller
from functions.http_api.failed_orders import open_failure, open_failures
from functions.http_api.operators import configuration
from functions.replay.audit import audited
from functions.replay.models import Redriven, RedriveRequest
from functions.shared.aws import client
from functions.shared.rows import Row
from functions.shared.times import as_text, now

_WORKING_SECONDS = 12


def rehearsed(request: RedriveRequest) -> Redriven:
    """How many failed orders would be redriven, of those that one call can read."""
    chosen = _Chosen(request)
    return _answer(request, matching=sum(1 for _ in chosen), complete=chosen.complete)


def redriven(request: RedriveRequest, operator: Caller) -> Redriven:
    """Redrive the failed orders, and write who did it to the audit log.

    Raises:
        Problem: the audit log could not be written; nothing was changed.
    """
    store = OrderStore(
        dynamodb=client("dynamodb"),
        sqs=client("sqs"),
        orders_table=os.environ["ORDERS_TABLE"],
        failed_orders_table=os.environ["FAILED_ORDERS_TABLE"],
        queue_url=configuration().queues.order_queue_url,
    )
    chosen, counts = _Chosen(request), {"redriven": 0, "unchanged": 0}
    with audited("orders redrive", operator, filter=request.order_id or request.cause or "all") as action:
        action.counts = counts
        for failure in chosen:
            counts["redriven" if store.redrive(failure, as_text(now())) else "unchanged"] += 1
        action.interrupted = not chosen.complete
    return _answer(request, **counts, complete=chosen.complete)


class _Chosen:
    """The failed orders that a request is about, until the time of one call is over.

    Attributes:
        complete: whether they are all, once they have been iterated.
    """

    def __init__(self, request: RedriveRequest) -> None:
        self._request, self._clock = request, Deadline(_WORKING_SECONDS)
        self.complete = False

    def __iter__(self) -> Iterator[Row]:
        for failure in self._failures():
            if self._clock.requested:
                return
            if self._request.cause in (None, failure["code"]):
                yield failure
        self.complete = True

    def _failures(self) -> Iterable[Row]:
        if self._request.order_id is None:
            return open_failures()
        failure = open_failure(self._request.order_id)
        return [failure] if failure else []


def _answer(request: RedriveRequest, **done: int | bool) -> Redriven:
    return Redriven.model_validate({**request.model_dump(), **done})
