"""Takes the README's pictures: `make screenshots` writes docs/images/console-*.png and docs/contact-sheet.png.

It deploys the local stack into an embedded cloud, drops generated pictures on the console as a person does, and
photographs what there is to see, in Chromium under Playwright; then it runs `make demo` and photographs the beginning
of its contact sheet.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import manimgx_fonts
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from components.blocks.packaging import CONSOLE_DIRECTORY, PROJECT_DIRECTORY
from demo import scenes
from demo.__main__ import PAGE as DEMO_PAGE
from demo.__main__ import main as demo
from demo.samples import samples
from localcloud.deployer import deploy
from localcloud.emulator import Emulator

IMAGES = PROJECT_DIRECTORY / "docs" / "images"
CONTACT_SHEET = PROJECT_DIRECTORY / "docs" / "contact-sheet.png"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WAIT_MS = 180_000
MAX_BYTES = 250_000
SIZE = (1600, 1200)
PICTURES = {
    "alpine-dawn.jpg": lambda: scenes.landscape(SIZE, scenes.DAWN, seed=1),
    "harbour-lights.jpg": lambda: scenes.city(SIZE, seed=2),
    "summer-meadow.jpg": lambda: scenes.landscape(SIZE, scenes.NOON, seed=4),
    "desert-evening.jpg": lambda: scenes.landscape(SIZE, scenes.DUSK, seed=6),
    "moonlit-ridge.jpg": lambda: scenes.landscape(SIZE, scenes.NIGHT, seed=7),
    "old-town.jpg": lambda: scenes.city(SIZE, seed=8),
    "first-light.jpg": lambda: scenes.landscape(SIZE, scenes.DAWN, seed=5),
    "valley-noon.jpg": lambda: scenes.landscape(SIZE, scenes.NOON, seed=3),
}
ORDERED = "desert-evening.jpg"
TABLE = "orders-2026.csv"
CITIES = ("Lyon", "Turin", "Bilbao", "Ghent", "Graz", "Malmö", "Porto")
REJECTED = ("truncated.jpg", "bomb.png", "spoofed.jpg")
FONTS = f"""<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{Path(manimgx_fonts.__file__).parent}</dir>
  <match><test name="family"><string>system-ui</string></test>
    <edit name="family" mode="assign" binding="strong"><string>Noto Sans</string></edit></match>
</fontconfig>"""
# The title of the detail covers what is scrolled to.
SCROLL_BELOW_TITLE = "heading => { heading.scrollIntoView(); heading.closest('dialog').scrollBy(0, -90) }"
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
SHEET = {"width": 1220, "height": 900}


def main() -> int:
    """Take the pictures; 1 where there is no browser to take them with."""
    if not CHROMIUM:
        print("screenshots: need a browser: apt-get install chromium", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with console() as url, fonts() as environment, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], env=environment)
        for name, picture in taken(browser, url):
            path = IMAGES / f"console-{name}.png"
            path.write_bytes(small(picture))
            print(f"{path.relative_to(PROJECT_DIRECTORY)}: {path.stat().st_size / 1000:.0f} kB")
        size, wait = compressed_bytes() / 1000, seconds(browser, url)
        print(f"the page: {size:.0f} kB compressed; {wait:.1f} s to its first picture")
        CONTACT_SHEET.write_bytes(small(contact_sheet(browser)))
        browser.close()
    return 0


@contextmanager
def console() -> Iterator[str]:
    """The address of a console in a cloud of its own, with nothing in it yet."""
    with Emulator.start() as cloud:
        yield deploy(cloud, "local")["consoleUrl"]


@contextmanager
def fonts() -> Iterator[dict[str, str | float | bool]]:
    """The environment of a browser whose system font is Noto Sans, so that the pictures are alike on each machine."""
    with TemporaryDirectory() as folder:
        configuration = Path(folder) / "fonts.conf"
        configuration.write_text(FONTS, encoding="utf-8")
        yield {**os.environ, "FONTCONFIG_FILE": str(configuration)}


def taken(browser: Browser, url: str) -> Iterator[tuple[str, bytes]]:
    """Each picture by its name, after the files were uploaded."""
    page = opened(browser, url, DESKTOP)
    with TemporaryDirectory() as folder:
        upload(page, Path(folder))
    page.get_by_role("button", name="Clear finished").click()
    problems = page.get_by_role("region", name="Not accepted")
    problems.scroll_into_view_if_needed()
    yield "rejected", problems.screenshot()
    order(page)
    for name, scheme, size in (("light", "light", DESKTOP), ("dark", "dark", DESKTOP), ("phone", "light", PHONE)):
        shown = opened(browser, url, size, color_scheme=scheme)
        shown.get_by_role("region", name="Orders").wait_for(timeout=WAIT_MS)
        shown.locator(".card").first.wait_for(timeout=WAIT_MS)
        if size is PHONE:
            shown.get_by_role("heading", name="Files", exact=True).evaluate("heading => heading.scrollIntoView()")
        sharp(shown)
        yield name, shown.screenshot()
    yield from details(browser, url)


def details(browser: Browser, url: str) -> Iterator[tuple[str, bytes]]:
    """The details of a picture, of its orders and of a table."""
    for name, scheme, size in (
        ("detail", "light", DESKTOP),
        ("order", "light", DESKTOP),
        ("order-phone", "dark", PHONE),
    ):
        page = opened(browser, url, size, color_scheme=scheme)
        detail = opened_detail(page, ORDERED)
        if name != "detail":
            fill_order(detail)
            detail.get_by_role("heading", name="Order renditions").evaluate(SCROLL_BELOW_TITLE)
        yield name, page.screenshot()
    for name, scheme, size in (
        ("table", "light", DESKTOP),
        ("table-dark", "dark", DESKTOP),
        ("table-phone", "light", PHONE),
    ):
        page = opened(browser, url, size, color_scheme=scheme)
        page.locator(".card", has_text=TABLE).click()
        page.get_by_role("region", name="Rows of").wait_for(timeout=WAIT_MS)
        yield name, page.screenshot()


def opened_detail(page: Page, name: str) -> Locator:
    """A picture's detail, once the picture is to be seen."""
    page.locator(".card", has_text=name).click()
    detail = page.get_by_role("dialog")
    detail.get_by_role("img", name="with watermark").evaluate("image => image.decode()")
    return detail


def fill_order(detail: Locator) -> None:
    """Fill the form of an order with two renditions."""
    detail.get_by_label("Size").select_option("another size")
    detail.get_by_label("Width").fill("800")
    detail.get_by_label("Fit").select_option("fill and crop")
    detail.get_by_label("Height").fill("800")
    detail.get_by_label("Format").select_option("avif")
    detail.get_by_role("checkbox", name="with watermark").check()
    detail.get_by_label("Reference").fill("Spring catalogue")


def order(page: Page) -> None:
    """Order renditions of a picture, and wait until they are made."""
    detail = opened_detail(page, ORDERED)
    fill_order(detail)
    detail.get_by_role("button", name="Add a rendition").click()
    detail.get_by_label("Size").nth(1).select_option("w640")
    detail.get_by_role("button", name="Order", exact=True).click()
    detail.get_by_text("fulfilled").wait_for(timeout=WAIT_MS)
    detail.get_by_role("button", name="Close").click()


def table() -> str:
    """A table of 1,240 orders, of which one row does not fit and some cells start like a formula."""
    chance = random.Random(3)  # noqa: S311 - a table, not a secret
    rows = ["order_id,day,city,product,quantity,price,paid,note"]
    for number in range(1, 1241):
        day = f"2026-{1 + number // 110:02d}-{1 + number % 28:02d}"
        note = "=SUM(E2:E9)" if number % 60 == 0 else "gift" if number % 3 == 0 else ""
        product, quantity, price = chance.randint(100, 180), chance.randint(1, 40), chance.uniform(3, 220)
        paid = "false" if number % 5 == 0 else "true"
        rows.append(
            f"{10_000 + number},{day},{chance.choice(CITIES)},sku-{product},{quantity},{price:.2f},{paid},{note}"
        )
    rows.insert(500, "10500,2026-05-02,Ghent,one,column,too,many,in,this,row")
    return "\n".join(rows) + "\n"


def contact_sheet(browser: Browser) -> bytes:
    """The first two files of the demo: a picture, of which more is ordered, and a table."""
    if demo([]):
        raise SystemExit("screenshots: the demo failed")
    page = opened(browser, DEMO_PAGE.as_uri(), SHEET)
    card = page.locator("article").nth(1).bounding_box()
    height = (card["y"] + card["height"] if card else SHEET["height"]) + 16
    return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": SHEET["width"], "height": height})


def opened(browser: Browser, url: str, size: Mapping[str, int], **context: str) -> Page:
    """The console in a window of its own."""
    page = browser.new_context(viewport=size, reduced_motion="reduce", **context).new_page()  # pyright: ignore[reportArgumentType]
    page.goto(url)
    return page


def upload(page: Page, folder: Path) -> None:
    """Upload all files, and wait for what becomes of them."""
    files = {name: draw() for name, draw in PICTURES.items()}
    for name, picture in files.items():
        picture.save(folder / name, quality=88)
    for sample in samples(max_bytes=1):
        if sample.name in REJECTED:
            (folder / sample.name).write_bytes(sample.body)
    (folder / TABLE).write_text(table(), encoding="utf-8")
    page.locator("input[type=file]").set_input_files([str(folder / name) for name in (*files, TABLE, *REJECTED)])
    page.locator(f".card >> nth={len(files)}").wait_for(timeout=WAIT_MS)
    page.locator(f".problems li >> nth={len(REJECTED) - 1}").wait_for(timeout=WAIT_MS)


def sharp(page: Page) -> None:
    """Wait until no placeholder is to be seen; those further down are loaded when they are scrolled to."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('.picture:not(.loaded):not(:has(.sheet))')]"
        ".every((each) => each.getBoundingClientRect().top > innerHeight)",
        timeout=WAIT_MS,
    )


def compressed_bytes() -> int:
    """What a browser downloads for the page, without pictures."""
    return sum(len(gzip.compress(file.read_bytes())) for file in CONSOLE_DIRECTORY.rglob("*") if file.is_file())


def seconds(browser: Browser, url: str) -> float:
    """How long a browser that has nothing of the page takes until it shows a picture."""
    started = time.monotonic()
    page = opened(browser, url, DESKTOP)
    page.locator(".picture.loaded").first.wait_for(timeout=WAIT_MS)
    return time.monotonic() - started


def small(picture: bytes) -> bytes:
    """The picture with 256 colours, dithered where it is below `MAX_BYTES` then."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    palette = image.quantize(256, Image.Quantize.MEDIANCUT)
    for dither in (Image.Dither.FLOYDSTEINBERG, Image.Dither.NONE):
        written = io.BytesIO()
        image.quantize(palette=palette, dither=dither).save(written, "PNG", optimize=True)
        if written.tell() < MAX_BYTES:
            break
    return written.getvalue()


if __name__ == "__main__":
    sys.exit(main())
