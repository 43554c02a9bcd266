"""Lambda entry point: reads the file version once and writes a rendition with the watermark."""

from __future__ import annotations

import functools
import os
from typing import Any

from functions.shared.answers import Transformed, store
from functions.shared.aws import client, failures_named
from functions.shared.errors import WatermarkError
from functions.shared.image_source import ImageSource
from functions.shared.runtime import lambda_handler
from functions.shared.source import downloaded
from functions.watermark.mark import LogoMark, Mark, TextMark
from functions.watermark.settings import WatermarkSettings
from functions.watermark.stamping import watermark


@functools.cache
def _settings() -> WatermarkSettings:
    return WatermarkSettings.from_environment(os.environ)


@functools.cache
def _mark() -> Mark:
    settings = _settings()
    if not settings.picture_key:
        return TextMark(settings.text)
    bucket = os.environ["PROCESSED_BUCKET"]
    with failures_named(f"read the picture s3://{bucket}/{settings.picture_key}"):
        return LogoMark(client("s3").get_object(Bucket=bucket, Key=settings.picture_key)["Body"].read())


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
