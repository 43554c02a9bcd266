"""The transform `table`: what a table becomes, and what is said of the rows that do not fit."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.shared.errors import TableError
from functions.table.reading import write_parquet
from functions.table.settings import Schema
from functions.table.tabulating import Table, tabulate
from tests.unit.conftest import Cloud

CUSTOMERS = b"""customer_id,name,balance,active,since
1,Ann,10.50,true,2024-01-31
2,Bob,-3,false,2024-02-29
3,"Smith, Carol",,true,2023-12-01
"""
ORDERS = {"uploads/orders/": {"columns": {"id": "bigint", "price": "double", "day": "date"}, "toleratedPercent": 40}}


def configured(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Set the transform's settings."""
    values = {"toleratedPercent": 5, "formulas": "flag", "schemas": {}, **changes}
    monkeypatch.setenv("SETTINGS", json.dumps(values))


def test_a_table_becomes_typed_parquet_a_profile_and_a_preview(cloud: Cloud, tmp_path: Path) -> None:
    answer = cloud.transform("table", "uploads/customers.csv", CUSTOMERS)
    record = answer["record"]
    assert (record["fileId"], record["fileName"], record["status"]) == ("job-1", "customers.csv", "PROCESSED")
    assert (record["rowCount"], record["quarantined"], record["formulas"]) == (3, 0, 0)
    assert {column["name"]: column["type"] for column in record["columns"]} == {
        "customer_id": "bigint",
        "name": "text",
        "balance": "double",
        "active": "boolean",
        "since": "date",
    }
    balance = record["columns"][2]
    assert (balance["nulls"], balance["distinct"], balance["min"], balance["max"]) == (1, 2, -3.0, 10.5)
    assert len(balance["quantiles"]) == 3
    assert [rendition["name"] for rendition in answer["renditions"]] == ["table", "preview", "profile"]
    assert parquet_rows(cloud, answer, tmp_path)[2][:3] == (3, "Smith, Carol", None)
    preview = json.loads(content(cloud, answer, "preview"))
    assert preview["rows"][1] == [2, "Bob", -3.0, False, "2024-02-29"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.csv", "id;name\r\n1;Zoë\r\n2;Ümit".encode("latin-1")),
        ("a.csv", "id\tname\n1\tZoë\n2\tÜmit\n".encode("utf-16")),
        ("a.csv.gz", gzip.compress("id|name\r1|Zoë\r2|Ümit".encode())),
        ("a.csv", "\n\n1,Zoë\n\n2,Ümit\n\n".encode("utf-8-sig")),
        ("a.jsonl", b'{"id": 1, "name": "Zo\\u00eb"}\n\n{"name": "\xc3\x9cmit", "id": 2}'),
    ],
    ids=["Latin-1", "UTF-16, tabs", "gzip, bars", "BOM, no header", "JSON Lines"],
)
def test_every_encoding_compression_and_layout_gives_the_same_rows(
    cloud: Cloud, tmp_path: Path, name: str, body: bytes
) -> None:
    answer = cloud.transform("table", f"uploads/{name}", body)
    assert parquet_rows(cloud, answer, tmp_path) == [(1, "Zoë"), (2, "Ümit")]


def test_rows_that_do_not_fit_are_quarantined_with_line_column_value_and_reason(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(monkeypatch, toleratedPercent=60)
    body = b'id,name\n1,"two\nlines"\n2\n3,a,b\n4,"x"y\n5,b\n'
    answer = cloud.transform("table", "uploads/a.csv", body)
    assert (answer["record"]["rowCount"], answer["record"]["quarantined"]) == (2, 3)
    assert quarantined(cloud, answer) == [
        (4, "name", "2", "The row has too few columns."),
        (5, "", "3,a,b", "The row has too many columns."),
        (6, "", '4,"x"y', "A quote is not closed, or text follows it."),
    ]


def test_lines_that_are_no_objects_are_quarantined(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, toleratedPercent=60)
    monkeypatch.setattr("functions.table.plain.START_BYTES", 50)
    body = b'{"a": 1, "b": "x\\ny"}\n\n[1]\n{"a": 2, "b": "z"}\n{"a": 3\n{"a": 4, "c": 5}\n'
    answer = cloud.transform("table", "uploads/a.jsonl", body)
    assert answer["record"]["rowCount"] == 2
    assert [(line, reason.split()[-1]) for line, _, _, reason in quarantined(cloud, answer)] == [
        (3, "object."),
        (5, "JSON."),
        (6, "has."),
    ]


def test_a_column_is_text_where_a_later_value_is_no_number(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.table.types._SAMPLE_ROWS", 2)
    answer = cloud.transform("table", "uploads/a.csv", b"a,b,c\n1,1,1\n2,2,2\nx,2.5,3\n")
    assert [column["type"] for column in answer["record"]["columns"]] == ["text", "double", "bigint"]


@pytest.mark.parametrize("value", ["01067", "12345678901234567890", "+49", "0x10", "nan", "1e400"])
def test_a_value_that_a_number_would_change_stays_text(cloud: Cloud, value: str) -> None:
    answer = cloud.transform("table", "uploads/a.csv", f"id,code\n1,{value}\n".encode())
    assert answer["record"]["columns"][1]["type"] == "text"


def test_a_pinned_schema_quarantines_the_values_that_do_not_fit(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, schemas=ORDERS)
    body = b"day,id,price\n2024-01-01,1,2.5\n2024-02-30,2,2.5\n2024-01-01,3,\n2024-01-01,x,2.5\n2024-01-01,5,1\n"
    answer = cloud.transform("table", "uploads/orders/a.csv", body)
    assert (answer["record"]["rowCount"], answer["record"]["quarantined"]) == (3, 2)
    assert quarantined(cloud, answer) == [
        (3, "day", "2024-02-30", "The value is not of the type date."),
        (5, "id", "x", "The value is not of the type bigint."),
    ]


@pytest.mark.parametrize(
    ("type", "fits", "misfits"),
    [
        ("bigint", ["1", " -2 ", "+3", "007"], ["1.5", "1e3", "0x10", "9223372036854775808"]),
        ("date", ["2024-01-31", "2024-1-3"], ["2024-01-31 10:00:00", "31.01.2024", "2024-02-30"]),
        ("timestamp", ["2024-01-31 10:00", "2024-01-31T10:00:00.123456Z", "2024-01-31"], ["2024-01-31T10:00:00+02:00"]),
    ],
)
def test_a_value_that_its_pinned_type_would_change_is_quarantined(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, type: str, fits: list[str], misfits: list[str]
) -> None:
    configured(monkeypatch, schemas={"uploads/": {"columns": {"n": "bigint", "value": type}, "toleratedPercent": 100}})
    rows = "".join(f"{number},{value}\n" for number, value in enumerate([*fits, *misfits]))
    answer = cloud.transform("table", "uploads/a.csv", f"n,value\n{rows}".encode())
    assert [value for _, _, value, _ in quarantined(cloud, answer)] == misfits
    assert answer["record"]["rowCount"] == len(fits)


def test_too_many_rows_that_do_not_fit_reject_the_file(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, schemas=ORDERS)
    rejection = rejected(cloud, "uploads/orders/a.csv", b"id,price,day\n1,2,2024-01-01\nx,2,2024-01-01\n")
    assert rejection["reasonCode"] == "ROWS_MISFIT"
    assert "line 3" in rejection["reason"]
    assert "'x' of id" in rejection["reason"]
    assert cloud.outputs() == {}


def test_a_value_and_a_row_that_do_not_fit_are_counted_and_the_first_of_them_named(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(monkeypatch, schemas=ORDERS)
    body = b"id,price,day\nx,2,2024-01-01\n1,2,2024-01-01\n1,2\n"
    reason = rejected(cloud, "uploads/orders/a.csv", body)["reason"]
    assert reason.startswith("2 rows do not fit")
    assert "line 2" in reason


@pytest.mark.parametrize(
    ("name", "row"), [("a.csv", b"1\n"), ("a.csv", b'1,"x\n'), ("a.jsonl", b"[1]\n")], ids=["few", "quote", "JSON"]
)
def test_a_file_of_rows_that_do_not_fit_is_rejected(cloud: Cloud, name: str, row: bytes) -> None:
    start = b"a,b\n" if name.endswith(".csv") else b'{"a": 1, "b": 2}\n'
    rejection = rejected(cloud, f"uploads/{name}", start + row * 900)
    assert rejection["reasonCode"] == "ROWS_MISFIT"
    assert "line 2" in rejection["reason"]


@pytest.mark.parametrize("rows", [b"1,2\n" * 9, b"1,2\n" * 90 + b"1\n"], ids=["all fit", "one does not"])
def test_a_row_that_is_neither_in_the_table_nor_in_the_quarantine_fails_the_transform(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, rows: bytes
) -> None:
    def lossy(connection: duckdb.DuckDBPyConnection, *arguments: Any) -> int:
        return write_parquet(connection, *arguments) - 1

    monkeypatch.setattr("functions.table.tabulating.write_parquet", lossy)
    with pytest.raises(TableError, match="were written"):
        cloud.transform("table", "uploads/a.csv", b"a,b\n" + rows)


def test_other_columns_than_the_pinned_reject_the_file(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, schemas=ORDERS)
    rejection = rejected(cloud, "uploads/orders/a.csv", b"id,cost,day\n1,2,2024-01-01\n")
    assert rejection["reasonCode"] == "SCHEMA_MISMATCH"
    assert "it lacks price and it also has cost" in rejection["reason"]


FORMULAS = b"name,amount\n=1+1,-5\n@SUM(A1),+3.5\n-2+3,1\nplain,2\n"


def test_cells_that_start_like_a_formula_are_counted(cloud: Cloud) -> None:
    record = cloud.transform("table", "uploads/a.csv", FORMULAS)["record"]
    assert (record["formulas"], record["formulaColumns"]) == (3, ["name"])


def test_formulas_reject_the_file_where_the_settings_say_so(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, formulas="reject")
    rejection = rejected(cloud, "uploads/a.csv", FORMULAS)
    assert (rejection["reasonCode"], rejection["reason"][:7]) == ("FORMULAS_FOUND", "3 cells")


def test_the_line_of_a_row_beyond_the_first_buffers_is_right(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, schemas={"uploads/": {"columns": {"id": "bigint", "text": "text"}}})
    rows = "".join(f'{number},"{"x" * 900}\n"\n' for number in range(1, 9001))
    body = f"id,text\n{rows}x,last\n".encode()
    monkeypatch.setenv("MAX_BYTES", str(len(body)))
    media = {"mediaType": "text/csv", "sha256": "", "measures": measures()}
    answer = cloud.invoke("table", {"file": cloud.file("uploads/a.csv", body), "media": media})
    assert answer["record"]["rowCount"] == 9000
    assert [line for line, *_ in quarantined(cloud, answer)] == [18002]


DAYS = {"id": "BIGINT", "a": "VARCHAR", "b": "VARCHAR", "day": "DATE"}


@pytest.mark.parametrize("is_quoted", [False, True], ids=["plain", "quoted"])
@pytest.mark.parametrize("types", [{}, DAYS], ids=["no schema", "schema"])
def test_no_row_is_lost_where_half_of_many_rows_do_not_fit(types: dict[str, str], is_quoted: bool) -> None:
    """Rows of several hundred bytes, with more cells, fewer cells, and with a schema also values of another type."""
    random = Random(1)  # noqa: S311 - the same rows each time
    lines, line = ["id,a,b,day\n"], 2
    good, bad = [], []
    for number in range(20_000):
        long = "x" * random.randint(100, 350)
        cells = [str(number), f'"{long}, ""\n"' if is_quoted else long, long, "2024-01-31"]
        kind = random.choice(["good", "good", "good", "many", "few", "type" if types else "many"])
        if kind == "many":
            cells += ["y"] * random.randint(1, 5)
        elif kind == "few":
            del cells[random.randint(1, 3) :]
        elif kind == "type":
            cells[3] = "2024-02-31"
        (good if kind == "good" else bad).append((number, line))
        lines.append(",".join(cells) + "\n")
        line += lines[-1].count("\n")
    with TemporaryDirectory() as folder:
        table = convert("".join(lines).encode(), Path(folder), columns=4, types=types)
        found = duckdb.connect().read_parquet(f"{folder}/table.parquet").fetchall()
        quarantine = [json.loads(each) for each in Path(folder, "quarantine.jsonl").read_text().splitlines()]
    assert [row[0] for row in found] == [number for number, _ in good]
    assert [each["line"] for each in quarantine] == [line for _, line in bad]
    assert (table.record["rowCount"], table.record["quarantined"]) == (len(good), len(bad))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.text("ab1=, \n\"'é;", max_size=5), min_size=2, max_size=4), min_size=1, max_size=12),
)
def test_no_row_of_a_table_is_lost(rows: list[list[str]]) -> None:
    """Whatever csv writes, each row is in the table or in the quarantine; an empty cell after the last column fits."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["first", "second", "third"], *rows])
    with TemporaryDirectory() as folder:
        table = convert(text.getvalue().encode(), Path(folder))
    fitting = sum(len(row) == 3 or (len(row) == 4 and row[3] == "") for row in rows)
    assert (table.record["rowCount"], table.record["quarantined"]) == (fitting, len(rows) - fitting)


def convert(body: bytes, folder: Path, *, columns: int = 3, types: Mapping[str, str] | None = None) -> Table:
    """Convert a table of which every row may fail to fit, in this folder."""
    schema = Schema(prefix="", types=types or {}, tolerated_percent=100, rejects_formulas=False)
    table = tabulate(io.BytesIO(body), measures(columns=columns), schema, folder, 512)
    assert isinstance(table, Table)
    return table


def measures(columns: int = 2) -> Mapping[str, Any]:
    """What validate measures of a plain table with a header."""
    layout = {"delimiter": ",", "header": True, "columns": columns}
    return {"encoding": "utf-8", "compression": "none", **layout, "most_rows": 1_000_000}


def rejected(cloud: Cloud, key: str, body: bytes) -> dict[str, Any]:
    """The rejection of a file by the transform."""
    answer = cloud.transform("table", key, body)
    assert answer["renditions"] == []
    return answer["rejection"]


def content(cloud: Cloud, answer: Mapping[str, Any], name: str) -> bytes:
    """The content of a rendition, which is as long as recorded."""
    (rendition,) = [each for each in answer["renditions"] if each["name"] == name]
    body = cloud.outputs()[rendition["key"]]
    assert len(body) == rendition["bytes"]
    return body


def parquet_rows(cloud: Cloud, answer: Mapping[str, Any], folder: Path) -> list[tuple[Any, ...]]:
    """The rows of the Parquet file."""
    path = folder / "table.parquet"
    path.write_bytes(content(cloud, answer, "table"))
    return duckdb.connect().read_parquet(str(path)).fetchall()


def quarantined(cloud: Cloud, answer: Mapping[str, Any]) -> list[tuple[int, str, str, str]]:
    """The rows that do not fit, (line, column, value, reason)."""
    lines = content(cloud, answer, "quarantine").decode().splitlines()
    return [tuple(json.loads(line).values()) for line in lines]
