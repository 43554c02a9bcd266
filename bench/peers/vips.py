"""The steps with pyvips, as libvips' documentation advises: `thumbnail` reads and scales in one operation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyvips  # pyright: ignore[reportMissingImports] - a peer that need not be installed

from bench.peers import steps


def _small(path: Path, folder: Path) -> None:
    pyvips.Image.thumbnail(str(path), steps.WIDTH).jpegsave(str(folder / f"{steps.WIDTH}.jpg"), Q=steps.QUALITY)


def _set(path: Path, folder: Path) -> None:
    picture = pyvips.Image.thumbnail(str(path), max(steps.WIDTHS)).copy_memory()
    for width in steps.WIDTHS:
        picture.thumbnail_image(width).jpegsave(str(folder / f"{width}.jpg"), Q=steps.QUALITY)


def _avif(path: Path, folder: Path) -> None:
    picture = pyvips.Image.thumbnail(str(path), steps.WIDTH)
    picture.heifsave(str(folder / f"{steps.WIDTH}.avif"), Q=steps.AVIF_QUALITY, compression="av1", effort=1)


def _watermark(path: Path, folder: Path) -> None:
    picture = pyvips.Image.new_from_file(str(path), access="sequential").autorot()
    text = pyvips.Image.text(steps.TEXT, width=picture.width // 3, height=picture.width // 25)
    mark = text.new_from_image([255, 255, 255]).copy(interpretation="srgb").bandjoin(text * steps.OPACITY)
    margin = picture.width // 50
    marked = picture.composite2(
        mark.cast("uchar"),
        "over",
        x=picture.width - mark.width - margin,
        y=picture.height - mark.height - margin,
    )
    target = folder / f"marked{path.suffix}"
    if path.suffix == ".jpg":
        marked.flatten().jpegsave(str(target), Q=steps.WATERMARK_QUALITY)
    else:
        marked.flatten().write_to_file(str(target))


def _animation(path: Path, folder: Path) -> None:
    picture = pyvips.Image.thumbnail(f"{path}[n=-1]", steps.WIDTH)
    picture.webpsave(str(folder / f"{steps.WIDTH}.webp"), Q=steps.QUALITY)


STEPS: dict[str, Callable[[Path, Path], None]] = {
    steps.SMALL: _small,
    steps.SET: _set,
    steps.AVIF: _avif,
    steps.WATERMARK: _watermark,
    steps.ANIMATION: _animation,
}
