"""Prints CPU seconds and peak memory of every image function for 100 megapixels of every format.

python -m bench.memory takes minutes. Each function runs in a process of its own.
"""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.steps import STEPS
from testing.pictures import write_photo

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


def main() -> None:
    """Measure and print."""
    print(f"{'':18}" + "".join(f"{name:>16}" for name in STEPS))
    with tempfile.TemporaryDirectory() as folder:
        for file_name in _FORMATS:
            photo = _photo(Path(folder) / file_name, progressive=file_name.startswith("progressive"))
            print(f"{file_name:18}" + "".join(f"{_measured(photo, name):>16}" for name in STEPS), flush=True)
            photo.unlink()


def _photo(path: Path, *, progressive: bool) -> Path:
    # In a separate process, because the peak memory of this one is inherited.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(write_photo, (path, 100), {"progressive": progressive})
    return path


def _measured(photo: Path, function: str) -> str:
    command = [sys.executable, "-W", "ignore", "-m", "bench.measure", function, str(photo)]
    printed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
    return f"{printed['cpuSeconds']:.2f} s, {printed['peakMb']:.0f} MB"


if __name__ == "__main__":
    main()
