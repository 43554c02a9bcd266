"""Measures files of the image family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from functions.shared.errors import ConfigurationError
from functions.shared.formats import FORMATS
from functions.shared.reasons import Rejection
from functions.validate import decoding
from functions.validate.accepted import Accepted
from functions.validate.decoding import ImageLimits


def measure(body: BinaryIO, media_type: str, limits: Mapping[str, Any]) -> Accepted | Rejection:
    """Measure and decode an image within the limits.

    Args:
        body: the file, seekable.
        media_type: a key of `FORMATS`.
        limits: as `image.schema.json` declares them.

    Raises:
        ConfigurationError: a limit is missing or not a number.
    """
    try:
        image_limits = ImageLimits(max_pixels=int(limits["maxPixels"]), max_frames=int(limits["maxFrames"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"The limits of images are invalid: {error!r}. Deploy the stack again.") from error
    return decoding.measure(body, FORMATS[media_type], image_limits)
