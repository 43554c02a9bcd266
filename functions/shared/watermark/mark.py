"""The mark, a text or logo, drawn at any size with a halo that keeps it legible on any background."""

from __future__ import annotations

import io
from typing import Any, Protocol

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageStat

from contract.signatures import SNIFF_BYTES
from functions.shared.aws import failures_named
from functions.shared.errors import ConfigurationError
from functions.shared.formats import FORMATS
from functions.shared.images import open_image, plain, to_srgb
from functions.shared.sniffing import sniff
from functions.shared.watermark.settings import WatermarkSettings

_LOGO_MAX_PIXELS = 4096 * 4096
_NOMINAL_FONT_SIZE = 100


class Mark(Protocol):
    """A mark that can be drawn at any size."""

    @property
    def proportions(self) -> float:
        """Width divided by height."""
        ...

    def drawn(self, width: int) -> Image.Image:
        """The mark in RGBA on a transparent background, about `width` pixels wide."""
        ...


class TextMark:
    """White text in Pillow's built-in font, drawn for each size so that it is sharp.

    Args:
        text: one line.

    Raises:
        ConfigurationError: the font has no glyph for one of the characters.
    """

    def __init__(self, text: str) -> None:
        missing_glyph = self._coverage("\uffff", _NOMINAL_FONT_SIZE)
        for character in text:
            if not character.isspace() and self._coverage(character, _NOMINAL_FONT_SIZE) == missing_glyph:
                raise ConfigurationError(
                    f"The watermark's text contains {character!r}, which the built-in font cannot draw; it "
                    "supports ASCII, © and ™. Change the text, or set a logo."
                )
        self._text = text
        self._nominal = self._coverage(text, _NOMINAL_FONT_SIZE).size

    @property
    def proportions(self) -> float:
        """Width divided by height."""
        return self._nominal[0] / self._nominal[1]

    def drawn(self, width: int) -> Image.Image:
        """The text in RGBA, about `width` pixels wide."""
        coverage = self._coverage(self._text, max(1.0, _NOMINAL_FONT_SIZE * width / self._nominal[0]))
        picture = Image.new("RGBA", coverage.size, "white")
        picture.putalpha(coverage)
        return picture

    @staticmethod
    def _coverage(text: str, font_size: float) -> Image.Image:
        """The text's coverage as an image of mode L, cropped to it."""
        font = ImageFont.load_default(font_size)
        left, top, right, bottom = font.getbbox(text)
        coverage = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
        ImageDraw.Draw(coverage).text((-left, -top), text, font=font, fill=255)
        return coverage


class LogoMark:
    """A logo, preferably a PNG with transparency.

    Args:
        body: the image file.

    Raises:
        ConfigurationError: it cannot be decoded.
    """

    def __init__(self, body: bytes) -> None:
        format = FORMATS.get(sniff(body[:SNIFF_BYTES]))
        if format is None:
            raise ConfigurationError("The watermark's logo has an unknown format; use a PNG with transparency.")
        try:
            image = open_image(io.BytesIO(body), format, max_pixels=_LOGO_MAX_PIXELS)
            self._image = to_srgb(plain(image)).convert("RGBA")
        except Exception as error:
            raise ConfigurationError(f"The watermark's logo cannot be decoded: {error}. Use another PNG.") from error

    @property
    def proportions(self) -> float:
        """Width divided by height."""
        return self._image.width / self._image.height

    def drawn(self, width: int) -> Image.Image:
        """The logo in RGBA, `width` pixels wide."""
        size = (width, max(1, round(width / self.proportions)))
        return self._image.resize(size, Image.Resampling.LANCZOS)


def with_halo(mark: Image.Image, opacity: float) -> Image.Image:
    """Add a halo of contrasting brightness around the mark.

    Args:
        mark: RGBA.
        opacity: 0 to 1, of mark and halo.

    Returns:
        RGBA, larger than the mark by the width of the halo on each side.
    """
    margin = max(1, round(min(mark.size) / 16))
    size = (mark.width + 2 * margin, mark.height + 2 * margin)
    shape = Image.new("L", size)
    shape.paste(mark.getchannel("A"), (margin, margin))
    halo = shape.filter(ImageFilter.GaussianBlur(margin / 2)).point([min(255, 3 * alpha) for alpha in range(256)])
    picture = Image.new("RGBA", size, _contrasting(mark))
    picture.putalpha(halo)
    picture.alpha_composite(mark, (margin, margin))
    picture.putalpha(picture.getchannel("A").point([round(alpha * opacity) for alpha in range(256)]))
    return picture


def _contrasting(mark: Image.Image) -> tuple[int, int, int]:
    """Black for a light mark, white for a dark one."""
    lightness = ImageStat.Stat(mark.convert("L"), mask=mark.getchannel("A")).mean[0]
    return (0, 0, 0) if lightness > 127 else (255, 255, 255)


def configured_mark(settings: WatermarkSettings, s3: Any, bucket: str) -> Mark:
    """The mark of the settings; a picture is read from the processed bucket.

    Raises:
        TransientError, AccessError: it cannot be read, see `aws.failures_named`.
    """
    if not settings.picture_key:
        return TextMark(settings.text)
    with failures_named(f"read the picture s3://{bucket}/{settings.picture_key}"):
        return LogoMark(s3.get_object(Bucket=bucket, Key=settings.picture_key)["Body"].read())
