"""docs/performance.md says what was measured, and the measure of likeness tells pictures apart."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from PIL import Image, ImageFilter

from bench.executions import execution_of
from bench.report import REPORT, report
from bench.sections import cold_start, growth, images, per_file
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


def test_a_function_that_starts_slower_than_its_target_is_reported_as_missed() -> None:
    def runs(seconds: float) -> dict[str, dict[str, float]]:
        return {
            "ours": {"cpuSeconds": seconds, "wallSeconds": seconds},
            "file": {"cpuSeconds": 0.25, "wallSeconds": 0.25},
        }

    measured = {"date": "2026-11-28", "machine": "two cores", "functions": {"table": runs(0.15), "erase": runs(0.2)}}
    text = cold_start.markdown(measured)
    assert "| table | s3 | 150 | 250 | 0.60 | 150 | 250 | 0.60 | reached |" in text
    assert "| erase | s3, dynamodb, logs | 200 | 250 | 0.80 | 200 | 250 | 0.80 | missed |" in text


def test_an_executions_overhead_is_what_validate_and_the_longest_transform_leave() -> None:
    def called(second: str) -> dict[str, Any]:
        details = {"resource": "arn:aws:states:::lambda:invoke"}
        return {"timestamp": f"2026-11-28T10:00:{second}Z", "taskScheduledEventDetails": details}

    def answered(second: str, **payload: Any) -> dict[str, Any]:
        output = json.dumps({"StatusCode": 200, "Payload": payload})
        return {"timestamp": f"2026-11-28T10:00:{second}Z", "taskSucceededEventDetails": {"output": output}}

    execution = execution_of(
        [
            {"timestamp": "2026-11-28T10:00:00.000Z"},
            called("00.020"),
            answered("00.100", accepted=True, durationMs=70),
            called("00.110"),
            called("00.110"),
            answered("00.300", transform="metadata", durationMs=110),
            answered("00.400", transform="thumbnail", durationMs=280),
            {"timestamp": "2026-11-28T10:00:00.410Z", "taskSucceededEventDetails": {"output": "{}"}},
            {"timestamp": "2026-11-28T10:00:00.500Z"},
        ]
    )
    assert per_file.overhead_milliseconds(execution) == pytest.approx(150)
    waits = {call.function: call.ended - call.began for call in execution.calls}
    assert waits == pytest.approx({"validate": 0.08, "metadata": 0.19, "thumbnail": 0.29})


def test_a_files_share_of_a_burst_counts_from_its_first_execution_to_its_last_record() -> None:
    rows = [
        {"stages": [{"at": f"2026-11-28T10:00:0{first}.000Z"}], "finishedAt": f"2026-11-28T10:00:0{last}.500Z"}
        for first, last in ((2, 4), (1, 3), (3, 6))
    ]
    assert growth.seconds_per_file(rows) == pytest.approx(5.5 / 3)


def test_growth_compares_the_median_bursts_of_each_size() -> None:
    assert growth.spread([[0.2, 0.2], [0.21, 0.5, 0.2]]) == pytest.approx(0.05)


def test_growth_reports_what_was_measured_before_it_was_ended() -> None:
    measured: dict[str, Any] = {"date": "2026-11-28", "machine": "two cores", "sizes": [100, 5000], "api": []}
    assert "ended before the stack had 5,000 files" in growth.markdown({**measured, "stages": []})
    memory = {"cloud": [200], "validate": [60, 61]}
    first = {"files": 100, "secondsPerFile": [0.2, 0.22], "cpuSecondsPerFile": [0.3, 0.3], "memoryMb": memory}
    second = {"files": 150, "secondsPerFile": [0.25], "cpuSecondsPerFile": [0.31], "memoryMb": memory}
    assert growth.markdown({**measured, "stages": [first]}).count("not compared") == 2
    text = growth.markdown({**measured, "stages": [{**first, "recorded": 100}, second]})
    assert "| Seconds for a file | 0.210 (0.200 to 0.220) | 0.250 (0.250 to 0.250) | 19%: missed |" in text
    assert "| CPU seconds for a file | 0.300 (0.300 to 0.300) | 0.310 (0.310 to 0.310) | 3%: reached |" in text
    assert "| validate | 60, 61 | 60, 61 | |" in text
    assert "ended before the stack had 5,000 files" in text
    assert "Of 100 files 100 are recorded." in text
