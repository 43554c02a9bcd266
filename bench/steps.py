"""What each image function does with a file, without S3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from contract.renditions import RenditionFormat, RenditionSpec
from contract.signatures import SNIFF_BYTES
from functions.metadata.describing import describe
from functions.shared.formats import FORMATS, Format
from functions.shared.reasons import Rejection
from functions.shared.sample import from_text
from functions.shared.sniffing import sniff
from functions.shared.watermark.mark import TextMark
from functions.shared.watermark.settings import Position
from functions.thumbnail.presets import Preset
from functions.thumbnail.renditions import make_renditions
from functions.validate.decoding import ImageLimits, measure
from functions.watermark.stamping import watermark

_WIDTHS = (1280, 640, 320, 160)
_MAX_PIXELS = 200_000_000
_TEXT = "© img-pipeline"


def _format(path: Path) -> Format:
    with path.open("rb") as body:
        return FORMATS[sniff(body.read(SNIFF_BYTES))]


def _presets(widths: tuple[int, ...], *formats: RenditionFormat) -> list[Preset]:
    return [
        Preset(preset=f"w{width}", spec=RenditionSpec(format=format, width=width))
        for width in widths
        for format in formats
    ]


def our_validate(path: Path) -> Image.Image:
    """Measure, and decode at reduced scale; the sample."""
    limits = ImageLimits(max_pixels=_MAX_PIXELS, max_frames=300)
    with path.open("rb") as body:
        finding = measure(body, _format(path), limits)
    if isinstance(finding, Rejection):
        raise SystemExit(f"{path.name}: {finding.reason}")
    return from_text(finding.sample)


def our_renditions(path: Path) -> None:
    """Every default preset, JPEG and WebP."""
    presets = _presets(_WIDTHS, "jpeg", "webp")
    with path.open("rb") as body:
        list(make_renditions(body, _format(path), presets, max_pixels=_MAX_PIXELS))


def our_watermark(path: Path) -> None:
    """Draw the mark on its region only."""
    with path.open("rb") as body:
        watermark(
            body,
            _format(path),
            TextMark(_TEXT),
            opacity=0.6,
            position=Position.BOTTOM_RIGHT,
            max_pixels=_MAX_PIXELS,
        )


def our_metadata(path: Path) -> None:
    """All recorded metadata. What it takes does not depend on what the sample shows."""
    with path.open("rb") as body:
        describe(body, _format(path), Image.new("RGB", (48, 32)), max_pixels=_MAX_PIXELS)


STEPS: dict[str, Callable[[Path], object]] = {
    "validate": our_validate,
    "thumbnail": our_renditions,
    "watermark": our_watermark,
    "metadata": our_metadata,
}
"""By the function's name."""
