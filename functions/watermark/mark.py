"""The mark itself, text or logo, drawn at the size asked for, with a halo that keeps it legible on any ground."""

from __future__ import annotations

import io
from typing import Protocol

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageStat

from contract.signatures import SNIFF_BYTES
from functions.shared.errors import ConfigurationError
from functions.shared.formats import FORMATS
from functions.shared.images import open_image, plain, to_srgb
from functions.shared.sniffing import sniff

_LOGO_MAX_PIXELS = 4096 * 4096
_NOMINAL_FONT_SIZE = 100


class Mark(Protocol):
    """What is put on images."""

    @property
    def proportions(self) -> float:
        """Width by height."""
        ...

    def drawn(self, width: int) -> Image.Image:
        """The mark in RGBA on a transparent ground, about `width` pixels wide."""
        ...


class TextMark:
    """White text in Pillow's built-in font, drawn anew for each size so that it stays sharp.

    Args:
        text: one line.

    Raises:
        ConfigurationError: the font has no glyph for one of the characters.
    """

    def __init__(self, text: str) -> None:
        missing_glyph = self._ink("\uffff", _NOMINAL_FONT_SIZE)
        for character in text:
            if not character.isspace() and self._ink(character, _NOMINAL_FONT_SIZE) == missing_glyph:
                raise ConfigurationError(
                    f"The watermark's text holds {character!r}, which the built-in font cannot draw; it draws ASCII, "
                    "© and ™. Change the text, or set a logo."
                )
        self._text = text
        self._nominal = self._ink(text, _NOMINAL_FONT_SIZE).size

    @property
    def proportions(self) -> float:
        """Width by height."""
        return self._nominal[0] / self._nominal[1]

    def drawn(self, width: int) -> Image.Image:
        """The text in RGBA, about `width` pixels wide."""
        ink = self._ink(self._text, max(1.0, _NOMINAL_FONT_SIZE * width / self._nominal[0]))
        picture = Image.new("RGBA", ink.size, "white")
        picture.putalpha(ink)
        return picture

    @staticmethod
    def _ink(text: str, font_size: float) -> Image.Image:
        """Coverage of the text's ink, mode L, cropped to it."""
        font = ImageFont.load_default(font_size)
        left, top, right, bottom = font.getbbox(text)
        ink = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
        ImageDraw.Draw(ink).text((-left, -top), text, font=font, fill=255)
        return ink


class LogoMark:
    """An image, best a PNG with transparency.

    Args:
        body: the image's file.

    Raises:
        ConfigurationError: it cannot be decoded.
    """

    def __init__(self, body: bytes) -> None:
        format = FORMATS.get(sniff(body[:SNIFF_BYTES]))
        if format is None:
            raise ConfigurationError("The watermark's logo is of no known image format; use a PNG with transparency.")
        try:
            image = open_image(io.BytesIO(body), format, max_pixels=_LOGO_MAX_PIXELS)
            self._image = to_srgb(plain(image)).convert("RGBA")
        except Exception as error:
            raise ConfigurationError(f"The watermark's logo cannot be decoded: {error}.") from error

    @property
    def proportions(self) -> float:
        """Width by height."""
        return self._image.width / self._image.height

    def drawn(self, width: int) -> Image.Image:
        """The logo in RGBA, `width` pixels wide."""
        size = (width, max(1, round(width / self.proportions)))
        return self._image.resize(size, Image.Resampling.LANCZOS)


def with_halo(mark: Image.Image, opacity: float) -> Image.Image:
    """The mark with a halo of the opposite brightness around it.

    Args:
        mark: RGBA.
        opacity: 0 to 1, for mark and halo alike.

    Returns:
        RGBA, larger than the mark by the halo on each side.
    """
    reach = max(1, round(min(mark.size) / 16))
    size = (mark.width + 2 * reach, mark.height + 2 * reach)
    shape = Image.new("L", size)
    shape.paste(mark.getchannel("A"), (reach, reach))
    halo = shape.filter(ImageFilter.GaussianBlur(reach / 2)).point([min(255, 3 * alpha) for alpha in range(256)])
    picture = Image.new("RGBA", size, _contrasting(mark))
    picture.putalpha(halo)
    picture.alpha_composite(mark, (reach, reach))
    picture.putalpha(picture.getchannel("A").point([round(alpha * opacity) for alpha in range(256)]))
    return picture


def _contrasting(mark: Image.Image) -> tuple[int, int, int]:
    """Black for a light mark, white for a dark one."""
    lightness = ImageStat.Stat(mark.convert("L"), mask=mark.getchannel("A")).mean[0]
    return (0, 0, 0) if lightness > 127 else (255, 255, 255)
