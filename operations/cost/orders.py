"""What a stack that takes orders costs without any; each order costs about what a file's transforms do."""

from __future__ import annotations

from collections.abc import Iterator

from components.settings import Settings
from operations.cost import prices
from operations.cost.bill import IDLE_POLLS_PER_MONTH, Line


def order_lines(settings: Settings) -> Iterator[Line]:
    """The polls of the order queue and its dead-letter queue."""
    if settings.has_orders:
        yield Line(
            service="SQS",
            what="polls of the orders' two idle queues",
            quantity=2 * IDLE_POLLS_PER_MONTH,
            price=prices.SQS_REQUEST,
        )
