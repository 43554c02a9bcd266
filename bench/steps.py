"""The measured steps: as the functions do them, and as in the examples of Pillow's documentation."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps, ImageSequence

from contract.renditions import RenditionFormat, RenditionSpec
from contract.signatures import SNIFF_BYTES
from functions.metadata.describing import describe
from functions.shared.formats import FORMATS, Format
from functions.shared.rendering import render
from functions.shared.sniffing import sniff
from functions.shared.watermark.mark import TextMark
from functions.shared.watermark.settings import Position
from functions.thumbnail.presets import Preset
from functions.thumbnail.renditions import make_renditions
from functions.validate.decoding import ImageLimits, Measures, measure
from functions.watermark.stamping import watermark

_WIDTHS = (1280, 640, 320, 160)
_MAX_PIXELS = 200_000_000
_AVIF = RenditionSpec(format="avif", width=320, quality=60)
_PNG = RenditionSpec(format="png", width=320)
_SQUARE = RenditionSpec(format="jpeg", width=320, height=320, fit="cover", focal_point="attention")
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


def our_validate(path: Path) -> None:
    """Measure, and decode at reduced scale."""
    limits = ImageLimits(max_pixels=_MAX_PIXELS, max_frames=300)
    with path.open("rb") as body:
        finding = measure(body, _format(path), limits)
    if not isinstance(finding, Measures):
        raise SystemExit(f"{path.name}: {finding.reason}")


def naive_validate(path: Path) -> None:
    """A full decode."""
    with Image.open(path) as image:
        image.load()


def our_thumbnail(path: Path) -> None:
    """One rendition, 320 pixels wide."""
    with path.open("rb") as body:
        list(make_renditions(body, _format(path), _presets((320,), "jpeg"), max_pixels=_MAX_PIXELS))


def naive_thumbnail(path: Path) -> None:
    """Convert, turn, then scale."""
    with Image.open(path) as image:
        picture = ImageOps.exif_transpose(image.convert("RGB"))
    picture.thumbnail((320, 320), Image.Resampling.LANCZOS)
    picture.save(io.BytesIO(), "JPEG", quality=82)


def our_renditions(path: Path) -> None:
    """Every default preset, JPEG and WebP."""
    presets = _presets(_WIDTHS, "jpeg", "webp")
    with path.open("rb") as body:
        list(make_renditions(body, _format(path), presets, max_pixels=_MAX_PIXELS))


def naive_renditions(path: Path) -> None:
    """Every default preset, each from the full-size picture."""
    with Image.open(path) as image:
        picture = ImageOps.exif_transpose(image.convert("RGB"))
    for width in _WIDTHS:
        scaled = picture.copy()
        scaled.thumbnail((width, width), Image.Resampling.LANCZOS)
        scaled.save(io.BytesIO(), "JPEG", quality=82)
        scaled.save(io.BytesIO(), "WEBP", quality=82)


def our_avif(path: Path) -> None:
    """An AVIF, 320 pixels wide."""
    with path.open("rb") as body:
        render(body, _format(path), _AVIF, max_pixels=_MAX_PIXELS)


def naive_avif(path: Path) -> None:
    """The same from the full-size picture, with the encoder's default speed."""
    _naive_small(path, "AVIF", quality=_AVIF.quality)


def our_png(path: Path) -> None:
    """A PNG, 320 pixels wide."""
    with path.open("rb") as body:
        render(body, _format(path), _PNG, max_pixels=_MAX_PIXELS)


def naive_png(path: Path) -> None:
    """The same from the full-size picture, with the encoder's default level."""
    _naive_small(path, "PNG")


def _naive_small(path: Path, format: str, **options: int) -> None:
    with Image.open(path) as image:
        picture = ImageOps.exif_transpose(image.convert("RGB"))
    picture.thumbnail((320, 320), Image.Resampling.LANCZOS)
    picture.save(io.BytesIO(), format, **options)


def our_square(path: Path) -> None:
    """A square of the most interesting part."""
    with path.open("rb") as body:
        render(body, _format(path), _SQUARE, max_pixels=_MAX_PIXELS)


def naive_square(path: Path) -> None:
    """A square of the centre: Pillow finds nothing of interest."""
    with Image.open(path) as image:
        picture = ImageOps.exif_transpose(image.convert("RGB"))
    ImageOps.fit(picture, (320, 320)).save(io.BytesIO(), "JPEG", quality=82)


def our_animation(path: Path) -> None:
    """An animated WebP, 320 pixels wide."""
    _our_animated(path, "webp")


def our_animated_gif(path: Path) -> None:
    """An animated GIF, 320 pixels wide."""
    _our_animated(path, "gif")


def _our_animated(path: Path, format: RenditionFormat) -> None:
    spec = RenditionSpec(format=format, width=320, animated=True)
    with path.open("rb") as body:
        render(body, _format(path), spec, max_pixels=_MAX_PIXELS)


def naive_animation(path: Path) -> None:
    """The same with the encoder's default method."""
    _naive_animated(path, "WEBP", quality=82, method=4)


def naive_animated_gif(path: Path) -> None:
    """The same with a palette for each frame, as the encoder chooses it."""
    _naive_animated(path, "GIF")


def _naive_animated(path: Path, format: str, **options: int) -> None:
    with Image.open(path) as image:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
        pictures = ImageSequence.all_frames(image, lambda frame: frame.convert("RGB").resize((320, 240)))
    pictures[0].save(io.BytesIO(), format, save_all=True, append_images=pictures[1:], duration=durations, **options)


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


def naive_watermark(path: Path) -> None:
    """A transparent layer as large as the picture."""
    with Image.open(path) as image:
        picture = ImageOps.exif_transpose(image).convert("RGBA")
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    font = ImageFont.load_default(picture.width // 25)
    place = (picture.width * 0.98, picture.height * 0.98)
    ImageDraw.Draw(layer).text(place, _TEXT, font=font, fill=(255, 255, 255, 153), anchor="rb")
    Image.alpha_composite(picture, layer).convert("RGB").save(io.BytesIO(), "JPEG", quality=85)


def our_metadata(path: Path) -> None:
    """All recorded metadata."""
    with path.open("rb") as body:
        describe(body, _format(path), frames=1, max_pixels=_MAX_PIXELS)


def naive_metadata(path: Path) -> None:
    """EXIF, colours and a small copy from a full decode."""
    with Image.open(path) as image:
        dict(image.getexif())
        picture = image.convert("RGB")
    picture.resize((100, 100), Image.Resampling.LANCZOS).quantize(5)


STEPS: dict[str, tuple[Callable[[Path], None], Callable[[Path], None]]] = {
    "validate: decode": (our_validate, naive_validate),
    "thumbnail: 320 px JPEG": (our_thumbnail, naive_thumbnail),
    "thumbnail: 4 sizes, JPEG and WebP": (our_renditions, naive_renditions),
    "avif: 320 px": (our_avif, naive_avif),
    "png: 320 px": (our_png, naive_png),
    "square: 320 px, around what is interesting": (our_square, naive_square),
    "watermark: full size, quality 85": (our_watermark, naive_watermark),
    "metadata": (our_metadata, naive_metadata),
}
"""By name: (ours, naive)."""

ANIMATION_STEPS: dict[str, tuple[Callable[[Path], None], Callable[[Path], None]]] = {
    "animation: 320 px WebP": (our_animation, naive_animation),
    "animation: 320 px GIF": (our_animated_gif, naive_animated_gif),
}
"""As `STEPS`, of an animation."""
