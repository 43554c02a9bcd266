"""Photo-like pictures of any size, drawn from a seed, for measuring."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image

from functions.shared import heif  # noqa: F401 - registers the HEIC encoder


def write_photo(path: Path, megapixels: int, *, progressive: bool = False) -> None:
    """Write a 3:2 picture with detail at every scale to `path`, in the format that its extension says."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    photo = _photo((round(height * 1.5), height))
    options = {".jpg": {"quality": 90, "progressive": progressive}, ".png": {"compress_level": 1}}
    photo.save(path, **options.get(path.suffix, {}))


def _photo(size: tuple[int, int]) -> Image.Image:
    # A square of a few thousand pixels, repeated: drawing a hundred megapixels of noise would take minutes.
    chance = random.Random(7)  # noqa: S311 - a picture, not a secret
    tile = Image.new("RGB", (2048, 2048))
    for cells, weight in ((8, 1.0), (64, 0.5), (512, 0.25), (2048, 0.06)):
        noise = Image.frombytes("RGB", (cells, cells), chance.randbytes(3 * cells * cells))
        tile = Image.blend(tile, noise.resize(tile.size, Image.Resampling.BICUBIC), weight)
    photo = Image.new("RGB", size)
    for left in range(0, size[0], tile.width):
        for top in range(0, size[1], tile.height):
            photo.paste(tile, (left, top))
    return photo
