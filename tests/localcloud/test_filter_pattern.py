"""Filter patterns match as on AWS, or are refused."""

from __future__ import annotations

import json

import pytest

from localcloud.logs.filter_pattern import InvalidPatternError, compile_pattern

MESSAGE = json.dumps(
    {"level": "ERROR", "durationMs": 1500, "file": {"key": "uploads/a.jpg"}, "ok": True, "none": None, "list": [1, 2]}
)


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("", True),
        ("ERROR", True),
        ("error", False),
        ("ERROR uploads", True),
        ("ERROR nowhere", False),
        ("ERROR -uploads", False),
        ("?WARN ?ERROR", True),
        ('?WARN ?"Task timed out"', False),
        ('"level\\": \\"ERROR"', True),
        ("%ERR.R%", True),
        ('{ $.level = "ERROR" }', True),
        ('{ $.level != "ERROR" }', False),
        ('{ $.level = "ERR*" }', True),
        ("{ $.level = ERROR && $.durationMs > 1000 }", True),
        ("{ $.durationMs > 1500 }", False),
        ("{ $.durationMs >= 1500 }", True),
        ('{ ($.level = "INFO") || ($.file.key = "uploads/*") }', True),
        ("{ $.ok IS TRUE }", True),
        ("{ $.none IS NULL }", True),
        ("{ $.nowhere IS NULL }", False),
        ("{ $.nowhere NOT EXISTS }", True),
        ("{ $.file.key EXISTS }", True),
        ("{ $.list[1] = 2 }", True),
        ("{ $.list[2] = 2 }", False),
    ],
)
def test_pattern_matches_as_on_aws(pattern: str, matches: bool) -> None:
    assert compile_pattern(pattern)(MESSAGE) is matches


def test_json_pattern_does_not_match_text() -> None:
    assert not compile_pattern('{ $.level != "INFO" }')("level ERROR")
    assert not compile_pattern('{ $.level != "INFO" }')('["level"]')


@pytest.mark.parametrize("pattern", ["{ $.level ~ 3 }", "{ level = 3 }", "{ $.level > abc }", "{ $.level = 1", "[a]"])
def test_unsupported_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidPatternError):
        compile_pattern(pattern)
