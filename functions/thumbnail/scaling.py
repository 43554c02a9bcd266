"""Scales one decoded image down, size after size, and encodes each."""

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

# The decoder may halve the image as long as this factor is left for the resampling filter, which does it better.
_SPARE = 2.0

# WebP Container Specification: canvas sides are stored in 14 bits. It also keeps a strip of an image from
# becoming a rendition taller than any screen.
_LONGEST_SIDE = 16383


def make_renditions(
    body: BinaryIO, format: Format, presets: Sequence[Preset], *, max_pixels: int
) -> Iterator[Rendition]:
    """Every preset in each of its formats, from one decode of the first frame, largest first.

    Every preset is always made, so that a consumer may rely on the names; an image narrower than a preset is encoded
    at its own width, never enlarged.

    Args:
        body: the file, seekable.
        format: what it was recognised as.
        presets: largest width first.
        max_pixels: see `open_image`.
    """
    image = open_image(body, format, max_pixels=max_pixels)
    turn = orientation(image)
    full = upright_size(image.size, turn)
    current: Image.Image | None = None
    made: dict[tuple[tuple[int, int], str, int], bytes] = {}
    for preset in presets:
        size = fit_within(full, preset.width)
        current = _first_scaled(image, size, turn) if current is None else _scaled(current, size)
        for name, target in preset.formats.items():
            encoding = (size, name, preset.quality)
            if encoding not in made:  # presets wider than the image come out the same
                made[encoding] = encoded(current, target, preset.quality)
            yield image_rendition(f"{preset.name}-{name}", preset.name, target, size, made[encoding])


def fit_within(size: tuple[int, int], width: int) -> tuple[int, int]:
    """The largest size of the same proportions that is at most `width` wide and fits every format; never enlarged."""
    scale = min(1.0, width / size[0], _LONGEST_SIDE / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _first_scaled(image: Image.Image, size: tuple[int, int], turn: int) -> Image.Image:
    """Decode, at a reduced scale where the format can, and bring the pixels to `size`, upright and in sRGB."""
    stored_size = upright_size(size, turn)  # turning back is the same swap
    wanted = (int(stored_size[0] * _SPARE), int(stored_size[1] * _SPARE))
    drafted = image.draft(None, wanted)
    box = drafted[1] if drafted else None
    source = plain(image)
    if source.size != stored_size:
        source = source.resize(stored_size, Image.Resampling.LANCZOS, box=box, reducing_gap=_SPARE)
    return upright(to_srgb(source), turn)


def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
