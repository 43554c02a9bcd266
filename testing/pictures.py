"""Photo-like pictures of any size, generated from a seed."""

from __future__ import annotations

import io
import random
from pathlib import Path

from PIL import Image

from functions.shared import heif  # noqa: F401 - registers the HEIC encoder


def photograph(seed: int = 1, size: tuple[int, int] = (480, 320)) -> bytes:
    """A small JPEG; another seed is another picture."""
    body = io.BytesIO()
    _detailed(size, seed, tile_pixels=512).save(body, "JPEG", quality=80)
    return body.getvalue()


def write_photo(path: Path, megapixels: int, *, progressive: bool = False) -> None:
    """Write a 3:2 picture with detail at every scale to `path`, in the format of its extension."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    photo = _detailed((round(height * 1.5), height), seed=7, tile_pixels=2048)
    options = {".jpg": {"quality": 90, "progressive": progressive}, ".png": {"compress_level": 1}}
    photo.save(path, **options.get(path.suffix, {}))


def write_animation(path: Path, frames: int) -> None:
    """Write an animated GIF of 640 by 480 pixels: a window that moves over a picture."""
    picture = _detailed((640 + 4 * frames, 480), seed=7, tile_pixels=512)
    pictures = [picture.crop((4 * frame, 0, 4 * frame + 640, 480)).quantize(64) for frame in range(frames)]
    pictures[0].save(path, "GIF", save_all=True, append_images=pictures[1:], duration=40, loop=0)


def _detailed(size: tuple[int, int], seed: int, tile_pixels: int) -> Image.Image:
    """A picture with detail at every scale up to that of a tile."""
    # Repeat a tile, because a hundred megapixels of noise would take minutes.
    generator = random.Random(seed)  # noqa: S311 - a picture, not a secret
    tile = Image.new("RGB", (tile_pixels, tile_pixels))
    for cells, weight in ((8, 1.0), (64, 0.5), (tile_pixels // 4, 0.25), (tile_pixels, 0.06)):
        noise = Image.frombytes("RGB", (cells, cells), generator.randbytes(3 * cells * cells))
        tile = Image.blend(tile, noise.resize(tile.size, Image.Resampling.BICUBIC), weight)
    photo = Image.new("RGB", size)
    for left in range(0, size[0], tile.width):
        for top in range(0, size[1], tile.height):
            photo.paste(tile, (left, top))
    return photo
