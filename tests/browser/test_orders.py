"""Orders in the web console: renditions are ordered from a picture's detail, and operators redrive failed orders."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from testing.pictures import photograph
from testing.waiting import eventually
from tests.browser.conftest import LONG_MS, OPERATOR, VIEWS, Console, serious, sign_in, upload


def opened(page: Page, folder: Path, name: str) -> Locator:
    """The detail of a picture that was uploaded from the page."""
    (folder / name).write_bytes(photograph())
    upload(page, folder / name)
    page.locator(".card", has_text=name).click(timeout=LONG_MS)
    return page.get_by_role("dialog")


@pytest.mark.parametrize("view", VIEWS)
def test_a_rendition_is_ordered_by_keyboard_and_fulfilled(console: Console, view: str, tmp_path: Path) -> None:
    page = console.page(**VIEWS[view])
    detail = opened(page, tmp_path, f"{view}.jpg")
    detail.get_by_label("Size").select_option("another size")
    detail.get_by_label("Width").fill("120")
    detail.get_by_label("Fit").select_option("fill and crop")
    detail.get_by_label("Height").fill("100")
    detail.get_by_label("Format").select_option("png")
    detail.get_by_role("checkbox", name="with watermark").check()
    detail.get_by_role("button", name="Add a rendition").click()
    assert serious(page) == []
    detail.get_by_label("Reference").fill(f"PO {view}")

    page.keyboard.press("Enter")

    order = detail.get_by_role("article", name=f"Order PO {view}")
    expect(order).to_contain_text("fulfilled", timeout=LONG_MS)
    with page.expect_download() as downloaded:
        order.get_by_role("link", name="120x100-png-watermark").click()
    assert downloaded.value.path().read_bytes().startswith(b"\x89PNG")
    expect(order.get_by_role("link", name="w160-webp")).to_be_visible()
    assert serious(page) == []
    detail.get_by_role("button", name="Close").click()
    expect(page.get_by_role("region", name="Orders").get_by_role("article").first).to_contain_text("fulfilled")
    assert serious(page) == []


def test_links_of_files_and_orders_are_renewed_in_a_page_that_stays_open(console: Console, tmp_path: Path) -> None:
    page = console.page()
    page.clock.install()
    page.reload()
    sign_in(page)
    detail = opened(page, tmp_path, "renewed.jpg")
    detail.get_by_role("button", name="Order", exact=True).click()
    order = detail.get_by_role("article")
    expect(order).to_contain_text("fulfilled", timeout=LONG_MS)
    links = {"file": detail.get_by_role("link", name="w320-jpeg"), "order": order.get_by_role("link")}

    def addresses() -> dict[str, str | None]:
        return {name: link.get_attribute("href") for name, link in links.items()}

    first = addresses()

    def are_renewed() -> bool:
        page.clock.fast_forward("46:00")
        return all(address != first[name] for name, address in addresses().items())

    eventually(are_renewed, "the new addresses", LONG_MS / 1000)
    with page.expect_download() as downloaded:
        links["order"].click()
    assert downloaded.value.path().stat().st_size > 0


@pytest.mark.parametrize("view", VIEWS)
def test_an_operator_redrives_failed_orders_after_seeing_how_many(console: Console, view: str, tmp_path: Path) -> None:
    page = console.page(OPERATOR, **VIEWS[view])
    detail = opened(page, tmp_path, f"failing-{view}.jpg")
    with console.stack.failing_orders():
        for expected in ("processing", "EQUAL_ORDER_OPEN"):
            detail.get_by_role("button", name="Order", exact=True).click()
            expect(detail.get_by_role("article").first).to_contain_text(expected, timeout=LONG_MS)
        expect(detail.get_by_role("article").nth(1)).to_contain_text("failed after 2 attempts", timeout=LONG_MS)
    detail.get_by_role("button", name="Close").click()
    operations = page.get_by_role("region", name="Operations")
    operations.get_by_role("button", name="Refresh").click()
    cause = operations.get_by_role("listitem").filter(has_text="SimulatedError")
    expect(cause).to_contain_text("1 order after 2 attempts", timeout=LONG_MS)
    assert serious(page) == []

    cause.get_by_role("button", name="Redrive").focus()
    page.keyboard.press("Enter")
    question = cause.get_by_role("group", name="Have 1 order tried again?")
    expect(question.get_by_role("button", name="Leave them")).to_be_focused(timeout=LONG_MS)
    assert serious(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(operations.get_by_role("status").first).to_contain_text("1 order is tried again", timeout=LONG_MS)
    expect(operations.get_by_role("heading", name="Operations")).to_be_focused()
    expect(cause).to_have_count(0, timeout=LONG_MS)
    orders = page.get_by_role("region", name="Orders")
    orders.get_by_label("Status of the orders").select_option("fulfilled")
    expect(orders.get_by_role("article").first).to_contain_text(f"failing-{view}.jpg", timeout=LONG_MS)


def test_who_is_no_operator_sees_own_orders_alone(console: Console, tmp_path: Path) -> None:
    detail = opened(console.page(OPERATOR), tmp_path, "somebodys.jpg")
    detail.get_by_role("button", name="Order", exact=True).click()
    expect(detail.get_by_role("article")).to_contain_text("fulfilled", timeout=LONG_MS)

    page = console.page()
    detail = opened(page, tmp_path, "mine.jpg")
    detail.get_by_role("button", name="Order", exact=True).click()
    expect(detail.get_by_role("article")).to_contain_text("fulfilled", timeout=LONG_MS)
    detail.get_by_role("button", name="Close").click()

    orders = page.get_by_role("region", name="Orders")
    expect(orders).to_contain_text("mine.jpg")
    expect(orders).not_to_contain_text("somebodys.jpg")
