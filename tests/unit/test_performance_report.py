"""docs/performance.md says what was measured, and the measure of likeness tells pictures apart."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageFilter

from bench.report import REPORT, report
from bench.sections import images
from bench.ssim import ssim
from testing.pictures import photograph


def test_the_report_is_that_of_the_committed_results() -> None:
    assert REPORT.read_text(encoding="utf-8") == report()


def test_a_peer_that_is_not_installed_and_a_missed_target_are_reported() -> None:
    fast, slow = ({"cpuSeconds": seconds, "peakMb": 50.0, "bytes": 9000, "ssim": 0.98} for seconds in (0.1, 0.2))
    rows = {row.title: {"ours": fast, "sharp-best": fast} for row in images.ROWS}
    rows["24 MP JPEG, watermark"] = {"ours": slow, "sharp-best": {**fast, "peakMb": 40.0}}
    rows["24 MP HEIC to 320 px"] = {"ours": slow, "sharp-best": {"error": "cannot read or write it"}}
    measured = {"date": "2026-11-28", "machine": "two cores", "versions": {"sharp": "0.34.5"}, "rows": rows}
    text = images.markdown({**measured, "missing": {"pyvips": "`pip install pyvips`"}})
    assert "- pyvips was not measured; to get it: `pip install pyvips`." in text
    assert "| 24 MP JPEG, watermark | 2.00 | 0.50 | 1.25 | 1.00 | missed: CPU, memory |" in text
    assert "| 24 MP PNG to 320 px | 1.00 | 1.10 | 1.00 | 1.00 | reached |" in text
    assert "| 24 MP HEIC to 320 px |  | 1.10 |  | 1.00 | not compared |" in text


def test_a_picture_is_less_like_its_blurred_copy_than_itself_and_unlike_another() -> None:
    picture, other = (Image.open(io.BytesIO(photograph(seed))).convert("RGB") for seed in (1, 2))
    blurred = ssim(picture, picture.filter(ImageFilter.GaussianBlur(1)))
    assert ssim(picture, picture) == pytest.approx(1)
    assert ssim(picture, other) < 0.3 < blurred < 0.99
