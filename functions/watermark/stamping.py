"""Makes the rendition of an image at full size with the mark on it."""

from __future__ import annotations

from typing import BinaryIO

from PIL import Image

from contract.assets import WATERMARKED
from functions.shared.answers import Rendition
from functions.shared.formats import JPEG, PNG, WEBP, Format
from functions.shared.framing import WEBP_LONGEST_SIDE
from functions.shared.image_source import image_rendition
from functions.shared.images import encoded, open_image, orientation, plain, to_srgb, upright
from functions.shared.watermark.drawing import apply_mark
from functions.shared.watermark.mark import Mark
from functions.shared.watermark.settings import Position

_QUALITY = 85

# libjpeg's JPEG_MAX_DIMENSION: what its encoder takes.
_JPEG_LONGEST_SIDE = 65500


def watermark(
    body: BinaryIO, format: Format, mark: Mark, *, opacity: float, position: Position, max_pixels: int
) -> Rendition:
    """Draw the mark on the first frame at full size, upright, in sRGB, without the source's metadata.

    JPEG, PNG and WebP keep their format. Other formats, for which browsers or encoders lack support, and a WebP whose
    canvas is larger than a picture in that format can be, are converted to JPEG, or to PNG if they are transparent.

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


def _output_format(source: Format, picture: Image.Image) -> Format:
    if source is PNG or (source is WEBP and max(picture.size) <= WEBP_LONGEST_SIDE):
        return source
    return PNG if picture.mode == "RGBA" or max(picture.size) > _JPEG_LONGEST_SIDE else JPEG
