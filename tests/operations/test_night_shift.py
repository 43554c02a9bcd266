"""The demo `night-shift` with fewer files: an incident from the alarm to the last replayed file."""

from __future__ import annotations

import re

import pytest

from demo import night_shift


def test_every_failed_file_is_found_and_replayed_once_after_the_fix(capfd: pytest.CaptureFixture[str]) -> None:
    assert night_shift.main(["12"]) == 0
    printed = capfd.readouterr().out
    assert re.fullmatch(
        r"night-shift: failed=12 replayed=12 completed=12 lost=0 doubled=0 seconds=\d+", printed.splitlines()[-1]
    )
    assert "ConfigurationError" in printed
    assert "transform-dlq" in printed
