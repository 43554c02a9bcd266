"""The failed orders by cause."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from contract.orders import ORDER_ID
from functions.http_api.failed_orders import open_failures
from functions.operator.models import FailedOrder, FailedOrderCause, FailedOrders
from functions.shared.rows import Row

MAX_READ = 500
"""Failed orders that a request reads."""

_EXAMPLES = 5


def summary() -> FailedOrders:
    """The failed orders that have not been redriven, by cause, the most frequent first."""
    failures = list(islice(open_failures(), MAX_READ + 1))
    read = failures[:MAX_READ]
    by_cause: dict[str, list[Row]] = {}
    for failure in read:
        by_cause.setdefault(failure["code"], []).append(failure)
    causes = sorted(map(_cause, by_cause.values()), key=lambda each: (-each.count, each.cause))
    return FailedOrders(read=len(read), complete=len(read) == len(failures), causes=causes)


def _cause(failures: Sequence[Row]) -> FailedOrderCause:
    """The failures of one cause, of which the latest explains it."""
    latest = failures[-1]
    return FailedOrderCause(
        cause=latest["code"],
        count=len(failures),
        attempts=sum(each["attempts"] for each in failures),
        first_seen=failures[0]["failedAt"],
        last_seen=latest["failedAt"],
        reason=latest["reason"],
        hint=latest["hint"],
        orders=[
            FailedOrder(
                order_id=each[ORDER_ID],
                file_key=each["fileKey"],
                reference=each["reference"] or None,
                attempts=each["attempts"],
                failed_at=each["failedAt"],
            )
            for each in failures[:_EXAMPLES]
        ],
    )
