"""A load, a line of the bill, and what lines of several layers have in common."""

from __future__ import annotations

from dataclasses import dataclass

from operations.cost.prices import SECONDS_PER_MONTH, Price

DAYS_PER_MONTH = 30
MEGABYTE, GIGABYTE = 1e6, 1e9

# Polls by Lambda or a pipe on an idle queue: five at a time, each waiting for 20 s ("Using Lambda with Amazon SQS");
# believed for pipes.
IDLE_POLLS_PER_MONTH = 5 * SECONDS_PER_MONTH / 20
# Send, receive, delete.
REQUESTS_PER_MESSAGE = 3


@dataclass(frozen=True, kw_only=True)
class Load:
    """The uploads: `uploads_per_day` files of `megabytes` (10^6 bytes) each."""

    uploads_per_day: float
    megabytes: float

    @property
    def files(self) -> float:
        """Files a month."""
        return self.uploads_per_day * DAYS_PER_MONTH

    @property
    def gigabytes(self) -> float:
        """Gigabytes a month."""
        return self.files * self.megabytes * MEGABYTE / GIGABYTE


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the bill: `quantity` of the price's unit a month."""

    service: str
    what: str
    quantity: float
    price: Price

    @property
    def usd(self) -> float:
        """US dollars a month."""
        return self.price.times(self.quantity)
