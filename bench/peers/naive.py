"""The steps as in the examples of Pillow's documentation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pillow_heif
from PIL import Image, ImageDraw, ImageFont, ImageOps, ImageSequence

from bench.peers import steps

pillow_heif.register_heif_opener()


def _scaled(format: str, quality: int, *widths: int) -> Callable[[Path, Path], None]:
    def run(path: Path, folder: Path) -> None:
        with Image.open(path) as image:
            picture = ImageOps.exif_transpose(image.convert("RGB"))
        for width in widths:
            small = picture.copy()
            small.thumbnail((width, width), Image.Resampling.LANCZOS)
            small.save(folder / f"{width}.{format}", quality=quality)

    return run


def _watermark(path: Path, folder: Path) -> None:
    """A transparent layer as large as the picture."""
    with Image.open(path) as image:
        picture = ImageOps.exif_transpose(image).convert("RGBA")
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    font = ImageFont.load_default(max(10, picture.width // 25))
    place = (picture.width * 0.98, picture.height * 0.98)
    fill = (255, 255, 255, round(255 * steps.OPACITY))
    ImageDraw.Draw(layer).text(place, steps.TEXT, font=font, fill=fill, anchor="rb")
    marked = Image.alpha_composite(picture, layer).convert("RGB")
    marked.save(folder / f"marked{path.suffix}", quality=steps.WATERMARK_QUALITY)


def _animation(path: Path, folder: Path) -> None:
    with Image.open(path) as image:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
        size = (steps.WIDTH, steps.WIDTH * image.height // image.width)
        pictures = ImageSequence.all_frames(image, lambda frame: frame.convert("RGB").resize(size))
    pictures[0].save(
        folder / f"{steps.WIDTH}.webp",
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        quality=steps.QUALITY,
    )


STEPS: dict[str, Callable[[Path, Path], None]] = {
    steps.SMALL: _scaled("jpg", steps.QUALITY, steps.WIDTH),
    steps.SET: _scaled("jpg", steps.QUALITY, *steps.WIDTHS),
    steps.AVIF: _scaled("avif", steps.AVIF_QUALITY, steps.WIDTH),
    steps.WATERMARK: _watermark,
    steps.ANIMATION: _animation,
}
