"""Takes the README's pictures of the web console: `make screenshots` writes docs/images/console-*.png.

It deploys the local stack into an embedded cloud, drops generated pictures on the console as a person does, and
photographs what there is to see, in Chromium under Playwright.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import manimgx_fonts
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from components.blocks.packaging import CONSOLE_DIRECTORY, PROJECT_DIRECTORY
from demo import scenes
from demo.samples import samples
from localcloud.deployer import deploy
from localcloud.emulator import Emulator

IMAGES = PROJECT_DIRECTORY / "docs" / "images"
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
REJECTED = ("truncated.jpg", "bomb.png", "spoofed.jpg")
FONTS = f"""<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{Path(manimgx_fonts.__file__).parent}</dir>
  <match><test name="family"><string>system-ui</string></test>
    <edit name="family" mode="assign" binding="strong"><string>Noto Sans</string></edit></match>
</fontconfig>"""
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


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
    for name, scheme, size in (("light", "light", DESKTOP), ("dark", "dark", DESKTOP), ("phone", "light", PHONE)):
        shown = opened(browser, url, size, color_scheme=scheme)
        if size is PHONE:
            shown.get_by_role("heading", name="Files", exact=True).evaluate("heading => heading.scrollIntoView()")
        sharp(shown)
        yield name, shown.screenshot()
    page.locator(".card", has_text="desert-evening.jpg").click()
    page.get_by_role("dialog").get_by_role("img", name="with watermark").evaluate("image => image.decode()")
    yield "detail", page.screenshot()


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
    page.locator("input[type=file]").set_input_files([str(folder / name) for name in (*files, *REJECTED)])
    page.locator(f".card >> nth={len(files) - 1}").wait_for(timeout=WAIT_MS)
    page.locator(f".problems li >> nth={len(REJECTED) - 1}").wait_for(timeout=WAIT_MS)


def sharp(page: Page) -> None:
    """Wait until no placeholder is to be seen; those further down are loaded when they are scrolled to."""
    page.locator(".card").first.wait_for(timeout=WAIT_MS)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.picture:not(.loaded)')]"
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
