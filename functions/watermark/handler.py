"""Lambda entry point: reads the file version once and writes a rendition with the watermark."""

from __future__ import annotations

import functools
import os
from typing import Any

from functions.shared.answers import Transformed, store
from functions.shared.aws import client
from functions.shared.errors import WatermarkError
from functions.shared.image_source import ImageSource
from functions.shared.runtime import lambda_handler
from functions.shared.source import downloaded
from functions.shared.watermark.mark import Mark, configured_mark
from functions.shared.watermark.settings import WatermarkSettings
from functions.watermark.stamping import watermark


@functools.cache
def _settings() -> WatermarkSettings:
    return WatermarkSettings.from_environment(os.environ)


@functools.cache
def _mark() -> Mark:
    return configured_mark(_settings(), client("s3"), os.environ["PROCESSED_BUCKET"])


@lambda_handler(failure=WatermarkError)
def handler(event: dict[str, Any]) -> Transformed:
    """Make and store the watermarked rendition."""
    image = ImageSource.from_payload(event)
    settings, s3 = _settings(), client("s3")
    with downloaded(s3, image.version, max_bytes=image.version.bytes) as file:
        rendition = watermark(
            file.body,
            image.format,
            _mark(),
            opacity=settings.opacity,
            position=settings.position,
            max_pixels=image.max_pixels,
        )
    return Transformed(
        transform="watermark", renditions=[store(s3, os.environ["PROCESSED_BUCKET"], image.version, rendition)]
    )
