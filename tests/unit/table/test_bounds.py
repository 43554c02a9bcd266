"""Tables with long names, long cells or characters that are none are accepted or rejected, in bounded answers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from functions.shared.answers import Transformed
from functions.shared.delimited import JSON_LINES, MAX_NAME_CHARACTERS, unique_names
from functions.shared.reasons import Rejection
from functions.shared.text import START_BYTES
from functions.table.profile import MAX_TEXT_CHARACTERS
from functions.table.settings import Schema
from functions.table.tabulating import Table, tabulate
from tests.unit.conftest import Cloud, table_limits

# AWS Step Functions Developer Guide, "Quotas": the largest state. It may hold the answer of a transform twice.
STATE_BYTES = 256 << 10
# One more than the csv module's own limit.
LONG = "x" * 131_073


@pytest.fixture(autouse=True)
def _tolerant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTINGS", json.dumps({"toleratedPercent": 60, "formulas": "flag", "schemas": {}}))


def test_any_number_of_equal_names_is_made_unique() -> None:
    names = unique_names(["a_3", *["a"] * 200_000, "A_2"])
    assert names[:4] == ("a_3", "a", "a_2", "a_4")
    assert names[-1] == "A_2_2"
    assert len({name.lower() for name in names}) == 200_002


def test_a_header_of_many_equal_names_has_too_many_columns(cloud: Cloud) -> None:
    assert cloud.validate("uploads/a.csv", b"a," * 100_000 + b"a\n1\n")["reasonCode"] == "TOO_MANY_COLUMNS"


@pytest.mark.parametrize("name", [LONG, "1" * len(LONG) + "x"], ids=["letters", "digits first"])
def test_a_long_name_is_cut(cloud: Cloud, name: str) -> None:
    answer = cloud.transform("table", "uploads/a.csv", f"{name},b\n1,2\n".encode())
    assert [column["name"] for column in answer["record"]["columns"]] == [name[:MAX_NAME_CHARACTERS], "b"]
    assert answer["record"]["rowCount"] == 1


def test_a_long_cell_is_kept(cloud: Cloud) -> None:
    answer = cloud.transform("table", "uploads/a.csv", f'a,b\n1,{LONG}\n2,"{LONG}"x\n3,"{LONG}"\n'.encode())
    assert (answer["record"]["rowCount"], answer["record"]["quarantined"]) == (2, 1)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("x" * START_BYTES + ",b\n1,2\n", "its first line is longer than 262,144 bytes."),
        ('a,"b\n1,2\n', "a quote in its first line is not closed, or text follows it."),
        ('a,"b\n' + "1,2\n" * START_BYTES, "a quote in its first line is not closed, or text follows it."),
    ],
    ids=["too long", "quote not closed", "quote not closed in the first bytes"],
)
def test_a_header_that_does_not_end_is_rejected(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, body: str, detail: str
) -> None:
    monkeypatch.setenv("MAX_BYTES", str(len(body)))
    monkeypatch.setenv("MEDIA", table_limits(maxBytes=len(body), maxRows=len(body)))
    verdict = cloud.validate("uploads/a.csv", body.encode())
    assert (verdict["reasonCode"], verdict["reason"].partition(": ")[2]) == ("NO_COLUMNS", detail)


def test_half_of_a_surrogate_pair_is_quarantined_wherever_it_is(cloud: Cloud) -> None:
    body = rb"""{"a": "\ud800", "b": 1}
{"a": "\ud83d\ude00", "b": 2}
{"\udfff": 1}
{"a": ["\\ud800"], "b": 4}
{"a": {"c": "\uDC00"}}
"""
    answer = cloud.transform("table", "uploads/a.jsonl", body)
    assert [column["name"] for column in answer["record"]["columns"]] == ["a", "b"]
    assert answer["record"]["rowCount"] == 2
    lines = [json.loads(line) for line in _content(cloud, answer, "quarantine").splitlines()]
    assert [line["line"] for line in lines] == [1, 3, 5]
    assert {line["reason"] for line in lines} == {"The line has half of a surrogate pair, which is no character."}


def test_a_carriage_return_in_json_is_kept(cloud: Cloud) -> None:
    answer = cloud.transform("table", "uploads/a.jsonl", b'{"a": "x\\ry", "b": 1}\n{"a": "\\r", "b": 2}\n')
    assert (answer["record"]["rowCount"], answer["record"]["quarantined"]) == (2, 0)
    assert json.loads(_content(cloud, answer, "preview"))["rows"] == [["x\ry", 1], ["\r", 2]]


# What takes most bytes in JSON, six for each character.
_NAMES = [f"{number:03}" + "\x01" * MAX_NAME_CHARACTERS for number in range(110)]


def test_the_largest_answer_fits_the_state_of_the_workflow_twice(tmp_path: Path) -> None:
    """Every column has a formula."""
    table = _of_object(dict.fromkeys(_NAMES, "=" + "\x01" * MAX_TEXT_CHARACTERS), tmp_path, {})
    assert isinstance(table, Table)
    assert (table.record["rowCount"], table.record["columnCount"], table.record["formulas"]) == (1, 110, 110)
    assert table.record["columns"]
    assert table.record["formulaColumns"]
    entries = [{"key": "k" * 1024, "name": each.name, "contentType": each.content_type} for each in table.renditions]
    assert _bytes(Transformed(transform="table", renditions=entries, record=table.record)) < STATE_BYTES / 2


def test_the_largest_rejection_fits_the_state_of_the_workflow_twice(tmp_path: Path) -> None:
    rejection = _of_object(dict.fromkeys(_NAMES, 1), tmp_path, {"id": "BIGINT"})
    assert isinstance(rejection, Rejection)
    assert "it lacks id and it also has" in rejection.reason
    assert "and 105 more." in rejection.reason
    assert _bytes(Transformed(transform="table", rejection=rejection)) < STATE_BYTES / 2


def _of_object(row: dict[str, Any], folder: Path, types: dict[str, str]) -> Table | Rejection:
    """Convert a row of JSON Lines."""
    body = json.dumps(row).encode()
    assert len(body) < START_BYTES
    measures = {"encoding": "utf-8", "compression": "none", "delimiter": JSON_LINES, "most_rows": 1}
    schema = Schema(prefix="", types=types, tolerated_percent=100, rejects_formulas=False)
    return tabulate(io.BytesIO(body), measures, schema, folder, 512)


def _bytes(answer: Transformed) -> int:
    return len(json.dumps(answer.payload(), ensure_ascii=False).encode())


def _content(cloud: Cloud, answer: dict[str, Any], name: str) -> str:
    (key,) = [rendition["key"] for rendition in answer["renditions"] if rendition["name"] == name]
    return cloud.outputs()[key].decode()
