"""Lambda entry point: reads the file version once and writes all its renditions."""

from __future__ import annotations

import functools
import os
from typing import Any

from contract.renditions import FOCAL_POINT_METADATA
from functions.shared.answers import Transformed, store_all
from functions.shared.aws import client
from functions.shared.errors import ThumbnailError
from functions.shared.image_source import ImageSource
from functions.shared.runtime import lambda_handler
from functions.shared.source import downloaded
from functions.thumbnail.presets import Preset, focused, presets_from_environment
from functions.thumbnail.renditions import make_renditions


@functools.cache
def _presets() -> tuple[Preset, ...]:
    return presets_from_environment(os.environ)


@lambda_handler(failure=ThumbnailError)
def handler(event: dict[str, Any]) -> Transformed:
    """Make and store the configured renditions."""
    image = ImageSource.from_payload(event)
    s3, bucket = client("s3"), os.environ["PROCESSED_BUCKET"]
    with downloaded(s3, image.version, max_bytes=image.version.bytes) as file:
        presets = focused(_presets(), file.metadata.get(FOCAL_POINT_METADATA, ""))
        renditions = make_renditions(file.body, image.format, presets, max_pixels=image.max_pixels)
        return Transformed(transform="thumbnail", renditions=store_all(s3, bucket, image.version, renditions))
