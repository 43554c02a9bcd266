"""Orders of renditions: their statuses and rows, why one is refused, and what their functions are told of the stack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from contract.renditions import RenditionSpec

OWNER_INDEX, STATUS_INDEX, FILE_KEY_INDEX = "owner-index", "status-index", "fileKey-index"
"""The tables' indexes: the orders of one caller, with one status and of one file, by time of creation; failed orders
with one status, by time of failure."""

MAX_RENDITIONS = 10
"""Renditions of one order."""

MAX_REFERENCE_CHARACTERS = 128

OPEN_PREFIX, QUOTA_PREFIX = "open/", "quota/"
"""Rows of the orders table that are no orders: which renditions are on order, and how many orders a caller has placed
on a day. Neither has the attributes of an index."""

ORDER_ID = "orderId"
"""The key of both tables, and what identifies an order in the order queue's messages."""

FULFIL_TIMEOUT_SECONDS = 120
"""The longest that an attempt takes: an order has at most ten renditions, each of which takes a few seconds of a whole
processor."""

BACK_OFF_SECONDS = (2, 10, 60)
"""How long an order waits after each failed attempt; after more attempts as long as after the last of these."""


class OrderStatus(StrEnum):
    """The `status` of a row in the orders table."""

    PROCESSING = "PROCESSING"
    FULFILLED = "FULFILLED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


class FailedOrderStatus(StrEnum):
    """The `status` of a row in the failed-orders table, which is never deleted."""

    OPEN = "OPEN"
    REDRIVEN = "REDRIVEN"
    CLOSED = "CLOSED"


class Refusal(StrEnum):
    """Why the workflow refuses an order. Clients rely on the codes: add, never rename."""

    ASSET_NOT_FOUND = "ASSET_NOT_FOUND"
    ASSET_NOT_COMPLETED = "ASSET_NOT_COMPLETED"
    NOT_AN_IMAGE = "NOT_AN_IMAGE"
    UNKNOWN_PRESET = "UNKNOWN_PRESET"
    SIZE_NOT_ALLOWED = "SIZE_NOT_ALLOWED"
    DAILY_QUOTA_EXCEEDED = "DAILY_QUOTA_EXCEEDED"
    EQUAL_ORDER_OPEN = "EQUAL_ORDER_OPEN"


@dataclass(frozen=True)
class RefusalText:
    """Why an order is refused, and what its caller can do."""

    reason: str
    hint: str


REFUSALS: Mapping[Refusal, RefusalText] = {
    Refusal.ASSET_NOT_FOUND: RefusalText(
        "There is no asset with this fileKey, or it is somebody else's.",
        "Use a fileKey that GET /assets returned.",
    ),
    Refusal.ASSET_NOT_COMPLETED: RefusalText(
        "The file is still being processed.",
        "Follow its job with GET /jobs/{jobId}, and order again once it is COMPLETED.",
    ),
    Refusal.NOT_AN_IMAGE: RefusalText(
        "The file is not an image, so no renditions can be made of it.",
        "Order renditions of an image.",
    ),
    Refusal.UNKNOWN_PRESET: RefusalText(
        "The order names a preset that this stack does not have.",
        "Order a width, or a preset of the setting transforms.thumbnail.settings.presets.",
    ),
    Refusal.SIZE_NOT_ALLOWED: RefusalText(
        "A rendition would be larger than the original; images are never enlarged.",
        "Order at most the width and height in the asset's measures.",
    ),
    Refusal.DAILY_QUOTA_EXCEEDED: RefusalText(
        "The caller has placed as many orders as one may in a day (UTC).",
        "Order again tomorrow, or ask the operators for a larger quota.",
    ),
    Refusal.EQUAL_ORDER_OPEN: RefusalText(
        "The same renditions of the same file are already on order.",
        "Wait for the order that GET /orders?status=PROCESSING lists.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class FulfilConfiguration:
    """What the fulfilling function is told of the stack's settings, in its variable `ORDER_SETTINGS`.

    Args:
        success_rate: the share of attempts that are made; the others fail on purpose. 1 but in a stack for tests.
        presets: the presets that an order may name, as in the setting of the transform thumbnail.
        watermark: the settings of the transform watermark, as its own variable `SETTINGS`; None without it.
    """

    success_rate: float
    presets: Mapping[str, Mapping[str, Any]]
    watermark: Mapping[str, Any] | None

    def to_json(self) -> str:
        """The variable's text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the variable."""
        return cls(**json.loads(text))


def order_message(order_id: str, file_key: str) -> str:
    """The body of the order queue's message about an order."""
    return json.dumps({ORDER_ID: order_id, "fileKey": file_key})


def ordered_id(body: str) -> str:
    """The order that a message of the order queue or its dead-letter queue is about.

    Raises:
        ValueError, KeyError, TypeError: it is no such message.
    """
    return json.loads(body)[ORDER_ID]


def back_off_seconds(attempt: int) -> int:
    """Seconds until the next attempt.

    Args:
        attempt: the one that failed, from 1.
    """
    return BACK_OFF_SECONDS[min(attempt, len(BACK_OFF_SECONDS)) - 1]


def rendition_spec(ordered: Mapping[str, Any], presets: Mapping[str, Mapping[str, Any]]) -> RenditionSpec:
    """What an ordered rendition is.

    Args:
        ordered: {preset | width, format, height?, fit?, focalPoint?, watermark?}.
        presets: the stack's presets by name.

    Raises:
        KeyError: the stack does not have the preset any more.
        ValueError: a value is not accepted.
    """
    size = presets[ordered["preset"]] if "preset" in ordered else ordered
    return RenditionSpec.from_json({**size, "format": ordered["format"]})


def rendition_name(ordered: Mapping[str, Any]) -> str:
    """A name for an ordered rendition, such as ``w640-webp``, as the pipeline names the same preset."""
    size = ordered.get("preset") or "x".join(str(ordered[name]) for name in ("width", "height") if name in ordered)
    return "-".join([size, ordered["format"], *(["watermark"] if ordered.get("watermark") else [])])
