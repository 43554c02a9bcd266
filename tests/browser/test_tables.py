"""Tables in the web console: their first rows, what is known of their columns, and why one was rejected."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LONG_MS, VIEWS, Console, serious, upload

HEADER = "number,day,city,price,note"
ROWS = [f"{number},2026-01-{1 + number % 28:02d},Lyon,{number / 4},gift" for number in range(1, 121)]
ROWS[10] = "11,2026-01-12,Ghent,2.75,=1+1"
ROWS[20] = "21,2026-01-22,Graz,5.25,too,many"


@pytest.fixture(params=VIEWS)
def page(request: pytest.FixtureRequest, console: Console, tmp_path: Path) -> Page:
    """The console after the upload of a table with a formula and a row that does not fit."""
    page = console.page(**VIEWS[request.param])
    table = tmp_path / f"orders-{request.param}.csv"
    table.write_text("\n".join([HEADER, *ROWS]) + "\n", encoding="utf-8")
    upload(page, table)
    page.locator(".card", has_text=table.name).click(timeout=LONG_MS)
    return page


def test_a_table_is_shown_with_its_first_rows_and_columns(page: Page) -> None:
    detail = page.get_by_role("dialog")

    rows = detail.get_by_role("region", name="Rows of").get_by_role("row")
    expect(rows).to_have_count(101, timeout=LONG_MS)
    expect(rows.nth(11)).to_have_text("112026-01-12Ghent2.75=1+1")
    expect(detail.get_by_role("heading", name="The first 100 rows")).to_be_visible()

    expect(detail.get_by_role("heading", name="5 columns")).to_be_visible()
    price = detail.get_by_role("region", name="Columns").get_by_role("row", name="price")
    expect(price).to_contain_text("double")
    expect(price).to_contain_text("0.25 to 30")
    expect(price).to_contain_text("quartiles")

    expect(detail).to_contain_text("1 row does not fit")
    expect(detail).to_contain_text("1 cell starts like a formula in the column note")
    for name in ("Download Parquet", "Line, column, value and reason"):
        with page.expect_download() as downloaded:
            detail.get_by_role("link", name=name).click()
        assert downloaded.value.path().stat().st_size > 0
    assert serious(page) == []
    detail.get_by_role("button", name="Close").click()
    assert serious(page) == []


def test_a_rejected_table_is_explained(console: Console, tmp_path: Path) -> None:
    page = console.page()
    prose = tmp_path / "prose.csv"
    prose.write_text("only a sentence\nand another\n", encoding="utf-8")
    upload(page, prose)
    problem = page.locator(".problems li", has_text="prose.csv")
    expect(problem).to_contain_text("NO_COLUMNS", timeout=LONG_MS)
    expect(problem).to_contain_text("Separate columns by comma")
