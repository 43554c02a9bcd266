"""Messages of the results topic: their types, and the attributes by which subscribers filter."""

from __future__ import annotations

from enum import StrEnum


class MessageType(StrEnum):
    """The `type` of a message."""

    ASSET_READY = "AssetReady"
    ASSET_REJECTED = "AssetRejected"
    ASSET_DELETED = "AssetDeleted"
    ORDER_FULFILLED = "OrderFulfilled"


class MessageAttribute(StrEnum):
    """Names of message attributes."""

    OUTCOME = "outcome"
    MEDIA_TYPE = "mediaType"


class Outcome(StrEnum):
    """Values of the attribute `outcome`."""

    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    DELETED = "DELETED"
    FULFILLED = "FULFILLED"
