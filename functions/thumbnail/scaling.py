"""Scales an image down to each preset's size, from one decode, and encodes the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from PIL import Image

from functions.shared.answers import Rendition
from functions.shared.formats import Format
from functions.shared.image_source import image_rendition
from functions.shared.images import (
    encoded,
    open_image,
    orientation,
    plain,
    to_srgb,
    upright,
    upright_size,
)
from functions.thumbnail.presets import Preset

# The factor that the decoder leaves to the resampling filter, which scales with better quality.
_MIN_REDUCTION = 2.0

# WebP Container Specification: width and height are stored in 14 bits.
_LONGEST_SIDE = 16383


def make_renditions(
    body: BinaryIO, format: Format, presets: Sequence[Preset], *, max_pixels: int
) -> Iterator[Rendition]:
    """Make every preset in each of its formats from one decode of the first frame, largest first.

    Every preset is always made, so that consumers can rely on the names; an image narrower than a preset is encoded at
    its own width, never enlarged.

    Args:
        body: the file, seekable.
        format: the format that was detected.
        presets: largest width first.
        max_pixels: see `open_image`.
    """
    image = open_image(body, format, max_pixels=max_pixels)
    rotation = orientation(image)
    full = upright_size(image.size, rotation)
    current: Image.Image | None = None
    made: dict[tuple[tuple[int, int], str, int], bytes] = {}
    for preset in presets:
        size = fit_within(full, preset.width)
        current = _first_scaled(image, size, rotation) if current is None else _scaled(current, size)
        for name, target in preset.formats.items():
            encoding = (size, name, preset.quality)
            if encoding not in made:  # presets wider than the image have the same result
                made[encoding] = encoded(current, target, preset.quality)
            yield image_rendition(f"{preset.name}-{name}", preset.name, target, size, made[encoding])


def fit_within(size: tuple[int, int], width: int) -> tuple[int, int]:
    """The largest size with the same aspect ratio, at most `width` wide and valid in every format; never larger."""
    scale = min(1.0, width / size[0], _LONGEST_SIDE / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _first_scaled(image: Image.Image, size: tuple[int, int], rotation: int) -> Image.Image:
    """Decode, at a reduced scale if the format supports it, and convert to `size`, upright and in sRGB."""
    stored_size = upright_size(size, rotation)  # swaps width and height back
    wanted = (int(stored_size[0] * _MIN_REDUCTION), int(stored_size[1] * _MIN_REDUCTION))
    drafted = image.draft(None, wanted)
    box = drafted[1] if drafted else None
    source = plain(image)
    if source.size != stored_size:
        source = source.resize(stored_size, Image.Resampling.LANCZOS, box=box, reducing_gap=_MIN_REDUCTION)
    return upright(to_srgb(source), rotation)


def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
