"""Draws the mark itself: the text or logo at the size asked for, with a halo that keeps it legible on any ground."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageStat

from functions.shared.errors import ConfigurationError
from functions.shared.formats import FORMATS, SNIFF_BYTES, sniff
from functions.shared.images import open_image, plain, to_srgb

_LOGO_MAX_PIXELS = 4096 * 4096
_FONT_SIZE = 100


def draw_text(text: str) -> Image.Image:
    """White text on a transparent ground, cropped to its ink, at a nominal size of 100 pixels.

    Raises:
        ConfigurationError: the built-in font has no glyph for one of the characters.
    """
    font = ImageFont.load_default(_FONT_SIZE)
    missing_glyph = _drawn("\uffff", font)
    for character in text:
        if not character.isspace() and _drawn(character, font) == missing_glyph:
            raise ConfigurationError(
                f"The watermark's text holds {character!r}, which the built-in font cannot draw; it draws ASCII, "
                "© and ™. Change the text, or set a logo."
            )
    ink = _drawn(text, font)
    mark = Image.new("RGBA", ink.size, "white")
    mark.putalpha(ink)
    return mark


def _drawn(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> Image.Image:
    """Coverage of the text's ink, mode L, cropped to it."""
    left, top, right, bottom = font.getbbox(text)
    ink = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
    ImageDraw.Draw(ink).text((-left, -top), text, font=font, fill=255)
    return ink


def read_logo(body: bytes) -> Image.Image:
    """A logo's image as RGBA.

    Raises:
        ConfigurationError: it is not an image that can be decoded.
    """
    format = FORMATS.get(sniff(body[:SNIFF_BYTES]))
    if format is None:
        raise ConfigurationError("The watermark's logo is no image that can be decoded; use a PNG with transparency.")
    try:
        return to_srgb(plain(open_image(io.BytesIO(body), format, max_pixels=_LOGO_MAX_PIXELS))).convert("RGBA")
    except Exception as error:
        raise ConfigurationError(f"The watermark's logo cannot be decoded: {error}.") from error


def stamp(mark: Image.Image, width: int, opacity: float) -> Image.Image:
    """The mark scaled to `width` with a halo of the opposite brightness around it.

    Args:
        mark: RGBA, from `draw_text` or `read_logo`.
        width: pixels of the mark without its halo.
        opacity: 0 to 1, for mark and halo alike.

    Returns:
        RGBA, wider than `width` by the halo on both sides.
    """
    height = max(1, round(mark.height * width / mark.width))
    scaled = mark.resize((width, height), Image.Resampling.LANCZOS)
    reach = max(1, round(min(width, height) / 16))
    size = (width + 2 * reach, height + 2 * reach)
    shape = Image.new("L", size)
    shape.paste(scaled.getchannel("A"), (reach, reach))
    halo = shape.filter(ImageFilter.GaussianBlur(reach / 2)).point([min(255, 3 * alpha) for alpha in range(256)])
    ground = Image.new("RGBA", size, _contrasting(scaled))
    ground.putalpha(halo)
    ground.alpha_composite(scaled, (reach, reach))
    ground.putalpha(ground.getchannel("A").point(lambda alpha: alpha * opacity))
    return ground


def _contrasting(mark: Image.Image) -> tuple[int, int, int]:
    """Black for a light mark, white for a dark one."""
    lightness = ImageStat.Stat(mark.convert("L"), mask=mark.getchannel("A")).mean[0]
    return (0, 0, 0) if lightness > 127 else (255, 255, 255)
