"""The web console in a browser, at a stack that asks its callers to sign in."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from components.blocks.packaging import CONSOLE_DIRECTORY
from testing.pictures import photograph, write_animation
from tests.browser.conftest import LONG_MS, OPERATOR, VIEWS, Console, serious, sign_in, upload


@pytest.fixture
def page(console: Console) -> Page:
    return console.page()


def pictures(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_bytes(photograph())
    return [folder / name for name in names]


def test_five_pictures_sharpen_and_a_damaged_one_is_explained(page: Page, tmp_path: Path) -> None:
    names = [f"picture-{number}.jpg" for number in range(5)]
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(photograph()[:2000])

    upload(page, *pictures(tmp_path, *names), damaged)

    for name in names:
        loaded = page.locator(".card", has_text=name).locator(".picture.loaded")
        expect(loaded).to_be_visible(timeout=LONG_MS)
        assert (loaded.locator(".placeholder").get_attribute("src") or "").startswith("data:image/png")
        assert loaded.locator(".rendition").evaluate("image => image.naturalWidth") > 0
    problem = page.locator(".problems li", has_text="damaged.jpg")
    expect(problem).to_contain_text("CORRUPT", timeout=LONG_MS)
    expect(problem).to_contain_text("upload the file again")


def test_many_files_are_dropped_at_once(page: Page) -> None:
    names = [f"dropped-{number}.jpg" for number in range(12)]
    content = base64.b64encode(photograph()[:2000]).decode()
    files = page.evaluate_handle(
        """([names, content]) => {
            const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
            const dropped = new DataTransfer();
            for (const name of names) dropped.items.add(new File([bytes], name, { type: "image/jpeg" }));
            return dropped;
        }""",
        [names, content],
    )
    page.dispatch_event("main", "drop", {"dataTransfer": files})

    for name in names:
        expect(page.locator(".transfer", has_text=name)).to_be_visible()
    expect(page.get_by_role("heading", name="Uploads")).to_contain_text("12 not accepted", timeout=LONG_MS)


def test_a_picture_is_shown_with_all_that_is_known_and_deleted(page: Page, tmp_path: Path) -> None:
    upload(page, *pictures(tmp_path, "to-delete.jpg"))
    page.locator(".card", has_text="to-delete.jpg").click(timeout=LONG_MS)
    detail = page.get_by_role("dialog")
    expect(detail.get_by_role("heading", name="to-delete.jpg")).to_be_visible()
    expect(detail.get_by_role("link", name="w320-jpeg")).to_be_visible()
    expect(detail).to_contain_text("uploads/")

    detail.get_by_role("button", name="Delete…").click()
    detail.get_by_role("button", name="Delete it").click()

    expect(detail).to_be_hidden()
    expect(page.locator(".card", has_text="to-delete.jpg")).to_have_count(0)


def test_the_detail_says_what_of_an_animation_is_animated(page: Page, tmp_path: Path) -> None:
    write_animation(tmp_path / "moving.gif", frames=3)
    upload(page, tmp_path / "moving.gif")
    page.locator(".card", has_text="moving.gif").click(timeout=LONG_MS)
    detail = page.get_by_role("dialog")
    expect(detail).to_contain_text("3 frames")
    expect(detail).to_contain_text("no rendition; each shows the first frame")


def test_a_large_upload_goes_on_after_a_reload(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    Image.effect_noise((9000, 8000), 80).save(large, compress_level=0)
    assert large.stat().st_size > 64 * 1024 * 1024
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 4_000_000}
    network.send("Network.emulateNetworkConditions", slow)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "partNumber=" in request.url else None)
    upload(page, large)
    expect(page.locator(".transfer", has_text="large.png")).to_contain_text("% uploaded", timeout=LONG_MS)
    page.wait_for_function(
        "() => parseInt(document.querySelector('.transfer-state').textContent) > 25", timeout=LONG_MS
    )

    page.reload()
    sign_in(page)

    before = len(sent)
    expect(page.locator(".card", has_text="large.png")).to_be_visible(timeout=LONG_MS)
    parts = -(-large.stat().st_size // (8 * 1024 * 1024))
    assert 0 < before < len(sent) < before + parts


@pytest.mark.parametrize("view", VIEWS)
def test_it_has_no_serious_accessibility_problem(console: Console, view: str, tmp_path: Path) -> None:
    page = console.page(**VIEWS[view])
    upload(page, *pictures(tmp_path, f"{view}.jpg"))
    expect(page.locator(".card", has_text=f"{view}.jpg")).to_be_visible(timeout=LONG_MS)
    assert serious(page) == []

    page.locator(".card", has_text=f"{view}.jpg").click()
    expect(page.get_by_role("dialog").get_by_role("link", name="w320-jpeg")).to_be_visible(timeout=LONG_MS)
    assert serious(page) == []


def test_it_is_used_by_keyboard_alone(page: Page, tmp_path: Path) -> None:
    upload(page, *pictures(tmp_path, "by-keyboard.jpg"))
    opened = page.locator(".card", has_text="by-keyboard.jpg")
    expect(opened).to_be_visible(timeout=LONG_MS)

    opened.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opened).to_be_focused()


@pytest.mark.parametrize("view", VIEWS)
def test_an_operator_replays_a_cause_by_keyboard_after_seeing_how_many(console: Console, view: str) -> None:
    stack = console.stack
    dead = stack.upload(f"uploads/{view}-dead.jpg")
    stack.finish(dead)
    dead_letters = stack.outputs["transformDlqUrl"]
    event = json.dumps(stack.event_of(dead))
    stack.cloud.client("sqs").send_message(QueueUrl=dead_letters, MessageBody=event)

    page = console.page(OPERATOR, **VIEWS[view])
    operations = page.get_by_role("region", name="Operations")
    expect(operations.locator(".health .bad", has_text="transform-dlq")).to_contain_text("1", timeout=LONG_MS)
    cause = operations.get_by_role("listitem").filter(has_text="ALREADY_FINISHED")
    expect(cause).to_contain_text(dead.file_key, timeout=LONG_MS)
    assert serious(page) == []

    cause.get_by_role("button", name="Replay").focus()
    page.keyboard.press("Enter")
    question = cause.get_by_role("group", name="Send 1 message back")
    expect(question.get_by_role("button", name="Leave them")).to_be_focused(timeout=LONG_MS)
    assert stack.pipeline.queue_depth(dead_letters) == 1
    assert serious(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(operations.get_by_role("status").first).to_contain_text("1 message was replayed, 0 left", timeout=LONG_MS)
    expect(operations.get_by_role("heading", name="Operations")).to_be_focused()
    expect(cause).to_have_count(0, timeout=LONG_MS)
    assert stack.pipeline.queue_depth(dead_letters) == 0


def test_who_is_no_operator_sees_nothing_of_operations_and_does_not_ask(console: Console) -> None:
    page = console.page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    sign_in(page)
    expect(page.get_by_role("heading", name="Operations")).to_have_count(0)
    assert not [url for url in asked if "/operations/" in url]


def test_it_breaks_none_of_its_content_security_policy(console: Console, tmp_path: Path) -> None:
    page = console.page()
    listen = "addEventListener('securitypolicyviolation', (event) => broken.push(event.blockedURI))"
    page.evaluate(f"() => {{ window.broken = []; {listen} }}")
    upload(page, *pictures(tmp_path, "secure.jpg"))
    page.locator(".card", has_text="secure.jpg").click(timeout=LONG_MS)
    expect(page.get_by_role("dialog").get_by_role("link", name="w320-jpeg")).to_be_visible(timeout=LONG_MS)

    assert page.evaluate("() => broken") == []


def test_it_is_at_most_sixty_kilobytes() -> None:
    """Compressed, as CloudFront sends it."""
    sent = [gzip.compress(file.read_bytes()) for file in CONSOLE_DIRECTORY.rglob("*") if file.is_file()]
    assert 0 < sum(map(len, sent)) < 60_000


def test_it_keeps_no_token(page: Page) -> None:
    stored = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "eyJ" not in stored
