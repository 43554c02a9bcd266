"""Insights queries return the same rows as on AWS, or are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.logs.insights import run_query
from localcloud.logs.records import Record
from localcloud.logs.syntax import MalformedQueryError

FIRST_MS = 1_795_168_800_000  # 2026-11-20 10:00 UTC


def record(minute: int, message: str = "", **fields: Any) -> Record:
    return Record(
        pointer=f"p{minute}",
        timestamp_ms=FIRST_MS + 60_000 * minute,
        message=message or json.dumps(fields),
        log_group="/aws/lambda/img-pipeline-local-validate",
        log_stream="s",
    )


RECORDS = [
    record(
        0, level="INFO", service="validate", outcome="ACCEPTED", fileKey="uploads/a.jpg", durationMs=12, coldStart=1
    ),
    record(1, level="INFO", service="validate", outcome="CORRUPT", fileKey="uploads/b.jpg", durationMs=9),
    record(2, level="INFO", service="validate", outcome="CORRUPT", fileKey="uploads/c.jpg", durationMs=100),
    record(59, level="ERROR", service="watermark", outcome="TransientError", fileKey="uploads/a.jpg", durationMs=2500),
    record(61, level="ERROR", service="watermark", outcome="TransientError", fileKey="uploads/d.jpg", durationMs=8),
    record(62, "END RequestId: 1"),
    record(63, type="ExecutionFailed", execution_arn="arn:1", details={"error": "E", "cause": "it's broken"}),
]


def rows(query: str, **options: int) -> list[tuple[str, ...]]:
    """Return the values of each row without its pointer, in the order of the columns."""
    return [
        tuple(value for name, value in row.items() if name != "@ptr") for row in run_query(query, RECORDS, **options)
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("fields fileKey | filter outcome = 'CORRUPT' | sort @timestamp asc", [("uploads/b.jpg",), ("uploads/c.jpg",)]),
        (
            "fields fileKey | filter outcome = 'CORRUPT' | sort @timestamp desc",
            [("uploads/c.jpg",), ("uploads/b.jpg",)],
        ),
        ("fields fileKey | filter outcome = 'CORRUPT'", [("uploads/c.jpg",), ("uploads/b.jpg",)]),
        ("fields durationMs | filter durationMs > 99 | sort durationMs", [("100",), ("2500",)]),
        ("fields durationMs | filter durationMs >= 9 and durationMs <= 12 | sort durationMs", [("9",), ("12",)]),
        (
            "fields fileKey as key | filter key like /[ab].jpg/ and level != 'ERROR' | sort key",
            [("uploads/a.jpg",), ("uploads/b.jpg",)],
        ),
        ("fields fileKey | filter fileKey like 'D.JPG'", []),
        ("fields fileKey | filter fileKey like /D.JPG/i", [("uploads/d.jpg",)]),
        ("fields fileKey | filter fileKey =~ /d.jpg/", [("uploads/d.jpg",)]),
        ("fields service | filter not (level = 'INFO' or outcome in ['TransientError']) | limit 1", [()]),
        ("filter level = 'INFO' and outcome not in ['ACCEPTED'] or durationMs = 8 | stats count(*)", [("3",)]),
        ("fields details.error, details.cause | filter type in ['ExecutionFailed']", [("E", "it's broken")]),
        ("filter @message like 'RequestId' | display @timestamp", [("2026-11-20 11:02:00.000",)]),
        ("filter `@message` not like /[{]/", [("2026-11-20 11:02:00.000", "END RequestId: 1")]),
        ("stats count(*), count(fileKey), count_distinct(fileKey)", [("7", "5", "4")]),
        (
            "filter ispresent(durationMs) | stats sum(durationMs), avg(durationMs), min(durationMs), max(durationMs)",
            [("2629", "525.8", "8", "2500")],
        ),
        ("stats pct(durationMs, 50) as p50, pct(durationMs, 99) as p99", [("12", "2500")]),
        ("stats earliest(fileKey), latest(fileKey)", [("uploads/a.jpg", "uploads/d.jpg")]),
        ("filter ispresent(level) | stats count(*) as n by level | sort n desc", [("INFO", "3"), ("ERROR", "2")]),
        (
            "filter level = 'ERROR' | stats count(*) by bin(1h) | sort bin(1h)",
            [("2026-11-20 10:00:00.000", "1"), ("2026-11-20 11:00:00.000", "1")],
        ),
        ("filter level = 'FATAL' | stats count(*)", [("0",)]),
        ("# a comment\nfields fileKey\n| filter durationMs = 8\n| limit 5", [("uploads/d.jpg",)]),
    ],
)
def test_query_returns_the_expected_rows(query: str, expected: list[tuple[str, ...]]) -> None:
    assert rows(query) == expected


def test_query_without_fields_shows_time_and_message() -> None:
    (row,) = run_query("filter type = 'ExecutionFailed'", RECORDS)
    assert list(row) == ["@timestamp", "@message", "@ptr"]


def test_the_smaller_of_two_limits_applies() -> None:
    assert len(rows("fields fileKey | limit 5", limit=2)) == len(rows("fields fileKey | limit 2", limit=5)) == 2


@pytest.mark.parametrize(
    "query",
    [
        "parse @message '*' as all",
        "fields fileKey | dedup fileKey",
        "filter strlen(fileKey) > 3",
        "filter contains(fileKey, 'a')",
        "stats stddev(durationMs)",
        "stats fileKey by level",
        "fields durationMs * 2",
        "filter level =",
        "fields fileKey | | limit 3",
        "",
    ],
)
def test_unsupported_query_is_refused(query: str) -> None:
    with pytest.raises(MalformedQueryError):
        run_query(query, RECORDS)
