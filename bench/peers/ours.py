"""The steps as the functions do them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.peers import steps
from contract.renditions import RenditionFormat, RenditionSpec
from contract.signatures import SNIFF_BYTES
from functions.shared.answers import Rendition
from functions.shared.formats import FORMATS, Format
from functions.shared.sniffing import sniff
from functions.shared.watermark.mark import TextMark
from functions.shared.watermark.settings import Position
from functions.thumbnail.presets import Preset
from functions.thumbnail.renditions import make_renditions
from functions.watermark.stamping import watermark

_MAX_PIXELS = 200_000_000


def _format(path: Path) -> Format:
    with path.open("rb") as body:
        return FORMATS[sniff(body.read(SNIFF_BYTES))]


def _write(folder: Path, made: Rendition, name: str) -> None:
    with made.open() as body:
        (folder / f"{name}{Path(made.file_name).suffix}").write_bytes(body.read())


def _renditions(*specs: RenditionSpec) -> Callable[[Path, Path], None]:
    def run(path: Path, folder: Path) -> None:
        presets = [Preset(preset=str(spec.width), spec=spec) for spec in specs]
        with path.open("rb") as body:
            for made in make_renditions(body, _format(path), presets, max_pixels=_MAX_PIXELS):
                _write(folder, made, str(made.measures["width"]))

    return run


def _spec(
    width: int, format: RenditionFormat = "jpeg", quality: int = steps.QUALITY, *, animated: bool = False
) -> RenditionSpec:
    return RenditionSpec(format=format, width=width, quality=quality, animated=animated)


def _watermark(path: Path, folder: Path) -> None:
    mark = TextMark(steps.TEXT)
    with path.open("rb") as body:
        made = watermark(
            body,
            _format(path),
            mark,
            opacity=steps.OPACITY,
            position=Position.BOTTOM_RIGHT,
            max_pixels=_MAX_PIXELS,
        )
    _write(folder, made, "marked")


STEPS: dict[str, Callable[[Path, Path], None]] = {
    steps.SMALL: _renditions(_spec(steps.WIDTH)),
    steps.SET: _renditions(*map(_spec, steps.WIDTHS)),
    steps.AVIF: _renditions(_spec(steps.WIDTH, "avif", steps.AVIF_QUALITY)),
    steps.WATERMARK: _watermark,
    steps.ANIMATION: _renditions(_spec(steps.WIDTH, "webp", animated=True)),
}
