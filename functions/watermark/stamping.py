"""Puts the mark on an image at full size, touching only the region it covers."""

from __future__ import annotations

from typing import BinaryIO

from PIL import Image

from functions.shared.answers import Rendition
from functions.shared.formats import JPEG, PNG, WEBP, Format
from functions.shared.image_source import image_rendition
from functions.shared.images import encoded, open_image, orientation, plain, to_srgb, upright
from functions.watermark.mark import Mark, with_halo
from functions.watermark.settings import Position

_QUALITY = 85
_WIDTH_SHARE = 0.25
_HEIGHT_SHARE = 0.1
_MARGIN_SHARE = 0.02

# libjpeg's JPEG_MAX_DIMENSION: what its encoder takes.
_JPEG_LONGEST_SIDE = 65500


def watermark(
    body: BinaryIO, format: Format, mark: Mark, *, opacity: float, position: Position, max_pixels: int
) -> Rendition:
    """The first frame at full size with the mark on it, upright, in sRGB, without the source's metadata.

    A JPEG stays a JPEG, a PNG a PNG, a WebP a WebP. Other formats, which browsers or encoders are short of, become a
    JPEG, or a PNG where they are transparent.

    Args:
        body: the file, seekable.
        format: what it was recognised as.
        mark: what to put on it.
        opacity: 0 to 1.
        position: where the mark stands.
        max_pixels: see `open_image`.
    """
    picture = _decoded(body, format, max_pixels)
    apply_mark(picture, mark, opacity=opacity, position=position)
    target = _output_format(format, picture)
    return image_rendition("watermark", "watermark", target, picture.size, encoded(picture, target, _QUALITY))


def _decoded(body: BinaryIO, format: Format, max_pixels: int) -> Image.Image:
    """The whole picture; each step lets go of what the step before it made."""
    image: Image.Image = open_image(body, format, max_pixels=max_pixels)
    turn = orientation(image)
    image = plain(image)
    image = to_srgb(image)
    return upright(image, turn)


def apply_mark(image: Image.Image, mark: Mark, *, opacity: float, position: Position) -> None:
    """Stamp `mark` onto `image` in place, a quarter of its width wide or a tenth of its height high."""
    width = min(image.width * _WIDTH_SHARE, image.height * _HEIGHT_SHARE * mark.proportions)
    seal = with_halo(mark.drawn(max(1, round(width))), opacity)
    left, top = _corner(image.size, seal.size, position)
    box = (left, top, min(left + seal.width, image.width), min(top + seal.height, image.height))
    region = image.crop(box).convert("RGBA")
    region.alpha_composite(seal.crop((0, 0, *region.size)))
    image.paste(region.convert(image.mode), box)


def _corner(image: tuple[int, int], seal: tuple[int, int], position: Position) -> tuple[int, int]:
    margin = round(min(image) * _MARGIN_SHARE)
    room = (image[0] - seal[0], image[1] - seal[1])
    if position is Position.CENTER:
        return max(0, room[0] // 2), max(0, room[1] // 2)
    vertical, _, horizontal = position.partition("-")
    left = margin if horizontal == "left" else room[0] - margin
    top = margin if vertical == "top" else room[1] - margin
    return max(0, left), max(0, top)


def _output_format(source: Format, picture: Image.Image) -> Format:
    if source is PNG or source is WEBP:
        return source
    return PNG if picture.mode == "RGBA" or max(picture.size) > _JPEG_LONGEST_SIDE else JPEG
