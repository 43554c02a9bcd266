"""The accepted media types and the limits of files and requests."""

from __future__ import annotations

from contract.api import DOWNLOAD_URL_SECONDS, MAX_BATCH, MULTIPART_BYTES, UPLOAD_URL_SECONDS
from contract.media import MEDIA_TYPES, max_bytes_of
from contract.orders import MAX_REFERENCE_CHARACTERS, MAX_RENDITIONS
from contract.renditions import MAX_SIDE, MIN_SIDE, RENDITION_FORMATS
from functions.api.configuration import configuration
from functions.api.models import (
    MAX_NAME_CHARACTERS,
    MAX_PARTS,
    AcceptedType,
    Limits,
    MultipartLimits,
    OrderLimits,
    OrderPreset,
)
from functions.api.parts import PART_BYTES
from functions.http_api.requests import MAX_BODY_BYTES


def limits() -> Limits:
    """The stack's limits and the API's own."""
    settings = configuration()
    return Limits(
        max_bytes=settings.max_bytes,
        media_types=[
            AcceptedType(
                name=name,
                extensions=list(MEDIA_TYPES[name].extensions),
                max_bytes=max_bytes_of(name, settings.media, settings.max_bytes),
            )
            for name in settings.accepted
        ],
        media={
            family: {name: value for name, value in limits.items() if name != "accepted"}
            for family, limits in settings.media.items()
        },
        multipart=MultipartLimits(threshold_bytes=MULTIPART_BYTES, part_size=PART_BYTES, max_parts=MAX_PARTS),
        max_batch=MAX_BATCH,
        max_body_bytes=MAX_BODY_BYTES,
        max_name_characters=MAX_NAME_CHARACTERS,
        daily_uploads=settings.daily_uploads_per_caller,
        upload_url_seconds=UPLOAD_URL_SECONDS,
        download_url_seconds=DOWNLOAD_URL_SECONDS,
        orders=_orders(),
    )


def _orders() -> OrderLimits | None:
    settings = configuration()
    if settings.order_presets is None:
        return None
    return OrderLimits(
        presets=[
            OrderPreset.model_validate({"name": name, **preset}) for name, preset in settings.order_presets.items()
        ],
        formats=list(RENDITION_FORMATS),
        watermark=settings.orders_watermarks,
        max_renditions=MAX_RENDITIONS,
        min_side=MIN_SIDE,
        max_side=MAX_SIDE,
        max_reference_characters=MAX_REFERENCE_CHARACTERS,
    )
