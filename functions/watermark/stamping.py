"""Draws the mark on an image at full size, changing only the region that it covers."""

from __future__ import annotations

from typing import BinaryIO

from PIL import Image

from contract.assets import WATERMARKED
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
    """Draw the mark on the first frame at full size, upright, in sRGB, without the source's metadata.

    JPEG, PNG and WebP keep their format. Other formats, for which browsers or encoders lack support, are converted to
    JPEG, or to PNG if they are transparent.

    Args:
        body: the file, seekable.
        format: the format that was detected.
        mark: the text or logo.
        opacity: 0 to 1.
        position: the mark's position.
        max_pixels: see `open_image`.
    """
    picture = _decoded(body, format, max_pixels)
    apply_mark(picture, mark, opacity=opacity, position=position)
    target = _output_format(format, picture)
    return image_rendition(WATERMARKED, "watermark", target, picture.size, encoded(picture, target, _QUALITY))


def _decoded(body: BinaryIO, format: Format, max_pixels: int) -> Image.Image:
    """The whole picture; each step replaces the previous step's result, to free its memory."""
    image: Image.Image = open_image(body, format, max_pixels=max_pixels)
    turn = orientation(image)
    image = plain(image)
    image = to_srgb(image)
    return upright(image, turn)


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


def _output_format(source: Format, picture: Image.Image) -> Format:
    if source is PNG or source is WEBP:
        return source
    return PNG if picture.mode == "RGBA" or max(picture.size) > _JPEG_LONGEST_SIDE else JPEG
