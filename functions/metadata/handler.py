"""Lambda entry point: describes the file version, reading only the ranges with its headers, and validate's sample."""

from __future__ import annotations

import io
from typing import Any

from functions.metadata.describing import describe
from functions.shared.answers import Transformed
from functions.shared.aws import client
from functions.shared.errors import MetadataError
from functions.shared.image_source import ImageSource
from functions.shared.runtime import lambda_handler
from functions.shared.sample import from_text
from functions.shared.source import RangedReader

BUFFER_BYTES = 64 << 10
"""Of the buffer between the decoder and the ranges that are read."""


@lambda_handler(failure=MetadataError)
def handler(event: dict[str, Any]) -> Transformed:
    """Describe the image, whose size and frames validate measured. The metadata is added to the record of the file."""
    image = ImageSource.from_payload(event)
    sample = from_text(image.sample)
    with io.BufferedReader(RangedReader(client("s3"), image.version), BUFFER_BYTES) as body:
        described = describe(body, image.format, sample, max_pixels=image.max_pixels)
    measured = {"width": image.width, "height": image.height, "frames": image.frames}
    return Transformed(transform="metadata", metadata=described | measured)
