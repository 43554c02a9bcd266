"""Draws the mark on a picture, changing only the region that it covers."""

from __future__ import annotations

from PIL import Image

from functions.shared.watermark.mark import Mark, with_halo
from functions.shared.watermark.settings import Position

_WIDTH_SHARE = 0.25
_HEIGHT_SHARE = 0.1
_MARGIN_SHARE = 0.02


def apply_mark(image: Image.Image, mark: Mark, *, opacity: float, position: Position) -> None:
    """Draw `mark` onto `image` in place, with a quarter of its width or a tenth of its height."""
    width = min(image.width * _WIDTH_SHARE, image.height * _HEIGHT_SHARE * mark.proportions)
    mark_picture = with_halo(mark.drawn(max(1, round(width))), opacity)
    left, top = _corner(image.size, mark_picture.size, position)
    box = (left, top, min(left + mark_picture.width, image.width), min(top + mark_picture.height, image.height))
    region = image.crop(box).convert("RGBA")
    region.alpha_composite(mark_picture.crop((0, 0, *region.size)))
    image.paste(region.convert(image.mode), box)


def _corner(image: tuple[int, int], mark_picture: tuple[int, int], position: Position) -> tuple[int, int]:
    margin = round(min(image) * _MARGIN_SHARE)
    space = (image[0] - mark_picture[0], image[1] - mark_picture[1])
    if position is Position.CENTER:
        return max(0, space[0] // 2), max(0, space[1] // 2)
    vertical, _, horizontal = position.partition("-")
    left = margin if horizontal == "left" else space[0] - margin
    top = margin if vertical == "top" else space[1] - margin
    return max(0, left), max(0, top)
