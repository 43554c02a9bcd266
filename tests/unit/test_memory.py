"""A large image is worked on in bounded memory: decoded in full, 100 megapixels would take 400 MB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def large_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG of 100 megapixels."""
    path = tmp_path_factory.mktemp("large") / "photo.jpg"
    Image.new("YCbCr", (12_500, 8_000), (90, 100, 110)).save(path, "JPEG")
    return path


@pytest.mark.parametrize(
    ("step", "limit_mb"),
    [
        ("validate: decode", 100),
        ("thumbnail: 320 px JPEG", 100),
        ("metadata", 100),
        ("watermark: full size, quality 85", 550),  # the whole picture at full size, once
    ],
)
def test_a_hundred_megapixels(large_photo: Path, step: str, limit_mb: int) -> None:
    command = [sys.executable, "-m", "bench.measure", step, "ours", str(large_photo)]
    cost = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603
    assert cost["peakMb"] < limit_mb
