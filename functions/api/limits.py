"""The accepted media types and the limits of files and requests."""

from __future__ import annotations

from contract.api import DOWNLOAD_URL_SECONDS, MAX_BATCH, MULTIPART_BYTES, UPLOAD_URL_SECONDS
from contract.media import MEDIA_TYPES, max_bytes_of
from functions.api.configuration import configuration
from functions.api.models import MAX_NAME_CHARACTERS, MAX_PARTS, AcceptedType, Limits, MultipartLimits
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
    )
