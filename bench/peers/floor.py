"""What libjpeg-turbo's own commands take to decode at a reduced scale and to encode that, without resampling."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from bench.peers import steps

RUNS_COMMANDS = True
_DENOMINATOR = 8


def _small(path: Path, folder: Path) -> None:
    with Image.open(path) as image:
        width = image.width
    scale = next(part for part in range(1, _DENOMINATOR + 1) if width * part >= _DENOMINATOR * steps.WIDTH)
    _transcode(path, folder / f"{steps.WIDTH}.jpg", f"{scale}/{_DENOMINATOR}", steps.QUALITY)


def _watermark(path: Path, folder: Path) -> None:
    _transcode(path, folder / "marked.jpg", "1/1", steps.WATERMARK_QUALITY)


def _transcode(path: Path, target: Path, scale: str, quality: int) -> None:
    decode, encode = ["djpeg", "-scale", scale, str(path)], ["cjpeg", "-quality", str(quality)]
    with target.open("wb") as written, subprocess.Popen(decode, stdout=subprocess.PIPE) as decoder:  # noqa: S603
        subprocess.run(encode, stdin=decoder.stdout, stdout=written, check=True)  # noqa: S603


STEPS: dict[str, Callable[[Path, Path], None]] = {steps.SMALL: _small, steps.WATERMARK: _watermark}
