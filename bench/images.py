"""Prints the CPU seconds and peak memory of each image step, ours and naive Pillow, each in its own process.

python -m bench.images              24 and 100 megapixel JPEG and an animation, ours and naive
python -m bench.images --formats    peak memory of every function for 100 megapixels of every format (minutes)
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.steps import ANIMATION_STEPS, STEPS
from testing.pictures import write_animation, write_photo

_FORMATS = (
    "photo.jpg",
    "progressive.jpg",
    "photo.png",
    "photo.webp",
    "photo.gif",
    "photo.tiff",
    "photo.avif",
    "photo.heic",
)
_REPEATS = 3


@dataclass(frozen=True)
class Cost:
    """CPU seconds of the step, and peak memory of its process in megabytes."""

    cpu_seconds: float
    peak_mb: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", action="store_true", help="peak memory by format instead")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.formats:
            _by_format(Path(folder))
        else:
            _ours_and_naive(Path(folder))


def _ours_and_naive(folder: Path) -> None:
    for megapixels in (24, 100):
        photo = _photo(folder / f"{megapixels}.jpg", megapixels)
        _table(f"{megapixels} megapixel JPEG", photo, STEPS)
    animation = folder / "animation.gif"
    write_animation(animation, frames=60)
    _table("60 frames of 640 by 480", animation, ANIMATION_STEPS)


def _table(title: str, file: Path, steps: Iterable[str]) -> None:
    print(f"\n{title}, {file.stat().st_size / 1e6:.1f} MB")
    print(f"{'step':44}{'ours':>16}{'naive Pillow':>20}{'ratio':>9}{'':>7}")
    print(f"{'':44}{'CPU s':>8}{'MB':>8}{'CPU s':>12}{'MB':>8}{'CPU':>9}{'MB':>7}")
    for name in steps:
        ours, naive = _measured(file, name, "ours"), _measured(file, name, "naive")
        print(
            f"{name:44}{ours.cpu_seconds:8.3f}{ours.peak_mb:8.0f}{naive.cpu_seconds:12.3f}{naive.peak_mb:8.0f}"
            f"{naive.cpu_seconds / ours.cpu_seconds:8.1f}x{naive.peak_mb / ours.peak_mb:6.1f}x",
            flush=True,
        )


def _by_format(folder: Path) -> None:
    names = [name for name in STEPS if "320" not in name]
    print("100 megapixels: CPU seconds / peak MB\n")
    print(f"{'':18}" + "".join(f"{name.partition(':')[0]:>16}" for name in names))
    for file_name in _FORMATS:
        photo = _photo(folder / file_name, 100, progressive=file_name.startswith("progressive"))
        costs = [_measured(photo, name, "ours", repeats=1) for name in names]
        cells = (f"{cost.cpu_seconds:.2f} / {cost.peak_mb:.0f}" for cost in costs)
        print(f"{file_name:18}" + "".join(f"{cell:>16}" for cell in cells), flush=True)
        photo.unlink()


def _photo(path: Path, megapixels: int, *, progressive: bool = False) -> Path:
    # In a separate process, because the peak memory of this one is inherited.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(write_photo, (path, megapixels), {"progressive": progressive})
    return path


def _measured(photo: Path, step: str, whose: str, repeats: int = _REPEATS) -> Cost:
    """The minimum of a few runs, each in a new process, so that earlier runs have no effect."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.measure", step, whose, str(photo)]
    runs = []
    for _ in range(repeats):
        printed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
        runs.append(Cost(cpu_seconds=printed["cpuSeconds"], peak_mb=printed["peakMb"]))
    return Cost(cpu_seconds=min(run.cpu_seconds for run in runs), peak_mb=min(run.peak_mb for run in runs))


if __name__ == "__main__":
    main()
