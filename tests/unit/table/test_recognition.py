"""Validate recognizes tables from their bytes, and rejects what is none with a code of its own."""

from __future__ import annotations

import csv
import gzip
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.delimited import DELIMITERS, delimited_layout
from tests.unit.conftest import Cloud

PEOPLE = "id;name;city\n1;Zoë;Köln\n2;Ann;Rome\n"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (PEOPLE.encode(), "utf-8"),
        (PEOPLE.encode("utf-8-sig"), "utf-8-sig"),
        (PEOPLE.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + PEOPLE.encode("utf-16-be"), "utf-16"),
        (PEOPLE.encode("latin-1"), "latin-1"),
        (PEOPLE.replace("Köln", "10 €").encode("cp1252"), "cp1252"),
    ],
)
def test_the_encoding_is_recognized_from_the_bytes(cloud: Cloud, body: bytes, encoding: str) -> None:
    measures = accepted(cloud, "uploads/people.csv", body)
    assert (measures["encoding"], measures["columns"], measures["lines"]) == (encoding, 3, 3)


@pytest.mark.parametrize(("delimiter", "name"), [(",", "a.csv"), (";", "a.csv"), ("|", "a.csv"), ("\t", "a.tsv")])
def test_the_delimiter_is_recognized(cloud: Cloud, delimiter: str, name: str) -> None:
    body = PEOPLE.replace(";", delimiter).encode()
    assert accepted(cloud, f"uploads/{name}", body)["delimiter"] == delimiter


def test_a_decimal_comma_is_not_the_delimiter(cloud: Cloud) -> None:
    assert accepted(cloud, "uploads/a.csv", b"name;price\na;1,50\nb;2,00\n")["delimiter"] == ";"


@pytest.mark.parametrize(("first", "header"), [("id,name", True), ("1,Ann", False), (",name", False)])
def test_a_first_line_without_values_is_the_header(cloud: Cloud, first: str, header: bool) -> None:
    assert accepted(cloud, "uploads/a.csv", f"{first}\n2,Bob\n".encode())["header"] is header


def test_a_compressed_table_is_recognized_by_its_content(cloud: Cloud) -> None:
    verdict = cloud.validate("uploads/people.csv.gz", gzip.compress(PEOPLE.encode()), "application/gzip")
    assert (verdict["mediaType"], verdict["measures"]["compression"]) == ("text/csv", "gzip")


def test_json_lines_have_the_keys_of_their_objects_as_columns(cloud: Cloud) -> None:
    verdict = cloud.validate("uploads/a.jsonl", b'{"a": 1, "b": "x"}\n{"a": 2, "c": [1]}\n')
    assert (verdict["mediaType"], verdict["measures"]["columns"]) == ("application/x-ndjson", 3)


def test_a_table_without_an_extension_is_recognized(cloud: Cloud) -> None:
    assert cloud.validate("uploads/people", PEOPLE.encode())["mediaType"] == "text/csv"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"a,b\n\0\1\2\n", "NOT_TEXT"),
        (b"a,b\n\x81\x8d\n", "NOT_TEXT"),
        ("a,b\nü,1\n".encode() + "ü,2\n".encode("latin-1"), "MIXED_ENCODINGS"),
        ("a,b\nü,1\n".encode("latin-1") + "ü,2\n".encode(), "MIXED_ENCODINGS"),
        (b"\n \n\n", "NO_COLUMNS"),
        (b"a text without columns\n", "NO_COLUMNS"),
        (",".join(f"c{number}" for number in range(21)).encode() + b"\n", "TOO_MANY_COLUMNS"),
        (b"a,b\n" + b"1,2\n" * 1001, "TOO_MANY_ROWS"),
        (b"%PDF-1.7\n", "UNSUPPORTED_TYPE"),
        (b"\x89PNG\r\n\x1a\n", "UNSUPPORTED_TYPE"),
    ],
    ids=[
        "zero bytes",
        "no encoding",
        "UTF-8, then Latin-1",
        "Latin-1, then UTF-8",
        "blank lines",
        "prose",
        "columns",
        "rows",
        "PDF",
        "PNG",
    ],
)
def test_what_is_no_table_is_rejected_with_a_code_a_sentence_and_a_hint(cloud: Cloud, body: bytes, code: str) -> None:
    verdict = cloud.validate("uploads/a.csv", body)
    assert verdict.get("reasonCode") == code
    assert verdict["reason"].endswith(".")
    assert verdict["hint"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (gzip.compress(b"a,b\n" + b"1,2\n" * 300_000), "COMPRESSION_BOMB"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 300)[:-9], "CORRUPT"),
        (gzip.compress(b"\0\1\2" * 10), "NOT_TEXT"),
    ],
    ids=["expands too much", "cut off", "not text"],
)
def test_a_compressed_file_is_rejected_for_its_content(cloud: Cloud, body: bytes, code: str) -> None:
    assert cloud.validate("uploads/a.csv.gz", body)["reasonCode"] == code


def test_the_line_where_encodings_differ_is_named(cloud: Cloud) -> None:
    body = b"a,b\n" * 3 + "ü,1\n".encode() + b"a,b\n" * 3 + "ü,2\n".encode("latin-1")
    assert "from line 8 on" in cloud.validate("uploads/a.csv", body)["reason"]


def test_a_line_break_in_quotes_does_not_count_as_a_row(cloud: Cloud) -> None:
    assert accepted(cloud, "uploads/a.csv", b"a,b\n" + b'1,"x\ny"\n' * 1000)["lines"] == 1001


def test_a_table_may_be_larger_than_other_files(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_BYTES", "100")
    body = b"a,b\n" + b"1,2\n" * 50
    assert accepted(cloud, "uploads/a.csv", body)["lines"] == 51
    assert cloud.validate("uploads/a.bin", b"\0" * 101)["reasonCode"] == "TOO_LARGE"


@given(
    st.lists(st.lists(st.text("abcäß \n\"'.", min_size=1, max_size=8), min_size=3, max_size=3), min_size=2, max_size=9),
    st.sampled_from(DELIMITERS),
)
def test_the_layout_of_any_table_that_csv_writes_is_recognized(rows: list[list[str]], delimiter: str) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    layout = delimited_layout(text.getvalue())
    assert layout is not None
    assert (layout.delimiter, len(layout.columns)) == (delimiter, 3)


def accepted(cloud: Cloud, key: str, body: bytes) -> dict[str, Any]:
    """The measures of an accepted file."""
    verdict = cloud.validate(key, body)
    assert verdict["accepted"], verdict
    return verdict["measures"]
