"""Loads, a line of the bill, and what lines of several layers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contract.renditions import RenditionSpec
from operations.cost.prices import SECONDS_PER_MONTH, Price

DAYS_PER_MONTH = 30
MEGABYTE, GIGABYTE = 1e6, 1e9
# Of DynamoDB's units.
KILOBYTE = 1024

# Polls by Lambda or a pipe on an idle queue: five at a time, each waiting for 20 s, the longest that SQS allows
# ("Configuring scaling behavior for SQS event source mappings"); believed for pipes. No setting makes them fewer:
# Lambda may go down to two by itself, but not where maximum concurrency is set, as it is for orders.
IDLE_POLLS_PER_MONTH = 5 * SECONDS_PER_MONTH / 20
# Send, receive, delete.
REQUESTS_PER_MESSAGE = 3


@dataclass(frozen=True, kw_only=True)
class Load:
    """The uploads of a family: `uploads_per_day` files of `megabytes` (10^6 bytes) and `frames` each.

    A picture that is an animation has more than one frame.
    """

    uploads_per_day: float
    megabytes: float
    frames: int = 1

    @property
    def files(self) -> float:
        """Files a month."""
        return self.uploads_per_day * DAYS_PER_MONTH

    @property
    def gigabytes(self) -> float:
        """Gigabytes a month."""
        return self.files * self.megabytes * MEGABYTE / GIGABYTE


@dataclass(frozen=True, kw_only=True)
class OrderLoad:
    """The orders: `orders_per_day`, each of `renditions` of a picture of `megabytes`."""

    orders_per_day: float
    renditions: Sequence[RenditionSpec]
    megabytes: float

    @property
    def orders(self) -> float:
        """Orders a month."""
        return self.orders_per_day * DAYS_PER_MONTH


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
