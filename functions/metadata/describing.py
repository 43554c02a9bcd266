"""Collects an image's metadata from its headers and one reduced decode."""

from __future__ import annotations

import base64
from typing import Any, BinaryIO

from PIL import Image

from functions.metadata.appearance import dominant_colours, perceptual_hash
from functions.metadata.exif import read_exif
from functions.metadata.first_scan import first_scan
from functions.metadata.thumbhash import thumb_hash
from functions.shared.formats import JPEG, PNG, Format
from functions.shared.images import open_image, orientation, plain, to_srgb, upright, upright_size

_SAMPLE_SIDE = 100
"""In pixels; enough for colours, hash and placeholder."""


def describe(body: BinaryIO, format: Format, *, frames: int, max_pixels: int) -> dict[str, Any]:
    """Describe an image by its first frame.

    Args:
        body: the file, seekable; only what the decoder needs is read.
        format: the format that was detected.
        frames: the number of frames that validate counted.
        max_pixels: see `open_image`.

    Returns:
        JSON types without null: format, mode, width and height (with the orientation applied), frames,
        orientation (EXIF's, 1 to 8), hasAlpha, exif (see `exif.Exif`), gpsPresent, dominantColours ("#rrggbb"),
        perceptualHash (16 hex digits), thumbHash (base64).
    """
    image = open_image(body, format, max_pixels=max_pixels)
    if format is JPEG and max(image.size) >= 8 * _SAMPLE_SIDE and (averages := first_scan(body)):
        image = open_image(averages, format, max_pixels=max_pixels)
    mode = image.mode
    rotation = orientation(image)
    width, height = upright_size(image.size, rotation)
    if format is PNG:
        image.load()  # EXIF and XMP may be stored after the pixels
    exif = read_exif(image)
    sample = upright(_sample(image), rotation)
    return {
        "format": format.content_type.removeprefix("image/").upper(),
        "mode": mode,
        "width": width,
        "height": height,
        "frames": frames,
        "orientation": exif.orientation,
        "hasAlpha": sample.mode == "RGBA",
        "exif": exif.fields,
        "gpsPresent": exif.gps_present,
        "dominantColours": dominant_colours(sample),
        "perceptualHash": perceptual_hash(sample),
        "thumbHash": base64.b64encode(thumb_hash(sample)).decode(),
    }


def _sample(image: Image.Image) -> Image.Image:
    """A small copy in sRGB, without the orientation applied."""
    stored_size = image.size
    image.draft("RGB", (2 * _SAMPLE_SIDE, 2 * _SAMPLE_SIDE))
    scale = min(1.0, _SAMPLE_SIDE / max(stored_size))
    size = (max(1, round(stored_size[0] * scale)), max(1, round(stored_size[1] * scale)))
    return to_srgb(plain(image).resize(size, Image.Resampling.BOX, reducing_gap=2.0))
