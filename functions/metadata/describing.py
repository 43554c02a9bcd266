"""Collects an image's metadata from its headers and its sample; no pixels of the file are decoded."""

from __future__ import annotations

import base64
from typing import Any, BinaryIO

from PIL import Image

from functions.metadata.appearance import dominant_colours, perceptual_hash
from functions.metadata.exif import read_exif
from functions.metadata.thumbhash import thumb_hash
from functions.shared.formats import PNG, Format
from functions.shared.images import open_image
from functions.shared.png_chunks import without_pixels


def describe(body: BinaryIO, format: Format, sample: Image.Image, *, max_pixels: int) -> dict[str, Any]:
    """Describe an image by its first frame.

    Args:
        body: the file, seekable; only its headers are read, or what its decoder reads to open it.
        format: the format that was detected.
        sample: the first frame's sample, upright.
        max_pixels: see `open_image`.

    Returns:
        JSON types without null: format, mode, orientation (EXIF's, 1 to 8), hasAlpha, exif (see `exif.Exif`),
        gpsPresent, dominantColours ("#rrggbb"), perceptualHash (16 hex digits), thumbHash (base64).
    """
    # A PNG's EXIF and XMP may be stored after its pixels.
    image = open_image(without_pixels(body) if format is PNG else body, format, max_pixels=max_pixels)
    exif = read_exif(image)
    return {
        "format": format.content_type.removeprefix("image/").upper(),
        "mode": image.mode,
        "orientation": exif.orientation,
        "hasAlpha": sample.mode == "RGBA",
        "exif": exif.fields,
        "gpsPresent": exif.gps_present,
        "dominantColours": dominant_colours(sample),
        "perceptualHash": perceptual_hash(sample),
        "thumbHash": base64.b64encode(thumb_hash(sample)).decode(),
    }
