"""The demonstration's table fits the terminal and shows every file's whole name."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from client import Upload
from demo.order import PlacedOrder
from demo.outcome import Outcome
from demo.report import result_table

NAME = "Ærø + sund 100% and a long name that nobody would want to see cut off.jpg"


FULFILLED = {
    "status": "FULFILLED",
    "createdAt": "2026-11-20T10:00:00.000Z",
    "fulfilledAt": "2026-11-20T10:00:01.250Z",
    "renditions": [{"name": name} for name in ("w320-avif", "240x240-webp", "w160-png")],
}


def outcome(name: str, status: str, reason_code: str) -> Outcome:
    upload = Upload(bucket="ingest", file_key=f"uploads/{name}", version_id="v1")
    at = "2026-11-20T10:00:0{}Z"
    stages = [
        {"attempt": 1, "stage": stage, "at": at.format(second)}
        for second, stage in enumerate(("RECEIVED", "VALIDATED", "TRANSFORMED", "PERSISTED", "PUBLISHED", status))
    ]
    row = {"status": status, "attempt": 1, "reasonCode": reason_code, "stages": stages, "finishedAt": at.format(6)}
    return Outcome(name=name, body=b"", upload=upload, row=row)


@pytest.mark.parametrize("columns", [80, 111, 112, 200])
def test_every_line_fits_and_no_name_or_code_is_cut(columns: int) -> None:
    printed = io.StringIO()
    outcomes = [outcome(NAME, "COMPLETED", ""), outcome("bomb.png", "REJECTED", "TOO_MANY_PIXELS")]
    table = outcome("people.csv", "COMPLETED", "")
    table.asset = {"rowCount": 1_000_000, "renditions": []}
    outcomes.append(table)
    order = PlacedOrder(of=outcomes[0], shown=FULFILLED, problems=["3 renditions, not 2"])
    Console(file=printed, width=columns).print(result_table(outcomes, order, columns))
    lines = printed.getvalue().splitlines()

    assert max(len(line) for line in lines) <= columns
    text = printed.getvalue()
    assert all(word in text for word in ("file", "bomb.png", "TOO_MANY_PIXELS", "total", "5000"))
    assert all(word in text for word in ("1,000,000 rows", "fulfilled", "1250"))
    assert "…" not in text
    # A long name is folded: read down its column, it is whole.
    start, end = (lines[2].index(heading) for heading in ("file", "outcome"))
    folded = "".join(line[start:end].strip() for line in lines)
    assert NAME.replace(" ", "") in folded.replace(" ", "")
    assert order.name.replace(" ", "") in folded.replace(" ", "")
    assert "unexpected: 3 renditions, not 2".replace(" ", "") in folded.replace(" ", "")
