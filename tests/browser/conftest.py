"""A stack with a console, and a browser that is signed in at the stack's own sign-in page."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from components.blocks.packaging import BUILD_DIRECTORY, CONSOLE_DIRECTORY, PROJECT_DIRECTORY
from contract.api import OPERATORS
from testing.stack import Stack, deployed_stack

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
USER, OPERATOR, PASSWORD = "jo@example.com", "olivia@example.com", "Correct-horse-battery-9"
LONG_MS = 120_000
VIEWS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
}
AXE = PROJECT_DIRECTORY / "console" / "node_modules" / "axe-core" / "axe.min.js"
# Large enough for an upload in parts; the functions' memory is for such files.
SETTINGS = {
    "api": {"enabled": True, "console": True, "auth": "jwt"},
    "orders": {"maxReceiveCount": 2},
    "maxBytes": 100_000_000,
    "validate": {"memoryMb": 2048},
    "transforms": {"thumbnail": {"memoryMb": 2048}, "metadata": {"memoryMb": 2048}, "watermark": {"memoryMb": 3400}},
}


@dataclass(frozen=True, kw_only=True)
class Console:
    """The console of a deployed stack."""

    stack: Stack
    browser: Browser

    def page(self, user: str = USER, **context: object) -> Page:
        """A page of a browser window of its own, whose user has signed in."""
        page = self.browser.new_context(**context).new_page()  # pyright: ignore[reportArgumentType]
        page.goto(self.stack.outputs["consoleUrl"])
        page.get_by_role("button", name="Sign in").click()
        sign_in(page, user)
        return page


def sign_in(page: Page, user: str = USER) -> None:
    """Fill in the sign-in page. The embedded cloud's forgets who has signed in; that of a user pool does not."""
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("button[type=submit], input[type=submit]").first.click()
    page.get_by_role("button", name="Choose files").wait_for()


def upload(page: Page, *files: Path) -> None:
    """Choose files to upload."""
    page.locator("input[type=file]").set_input_files([str(file) for file in files])


def serious(page: Page) -> list[str]:
    """What axe-core finds, by the debugger, which the page's Content-Security-Policy does not keep out."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    violations = page.evaluate("() => axe.run().then(found => found.violations)")
    return [f"{each['id']}: {each['help']}" for each in violations if each["impact"] in ("serious", "critical")]


# Not for longer than its file: while it is open, no other test of its process can run an event loop.
@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    if not CHROMIUM:
        pytest.skip("needs a browser: apt-get install chromium")
    if not shutil.which("npm"):
        pytest.skip("needs Node.js, to build the console")
    _build()
    with deployed_stack(**SETTINGS) as stack, sync_playwright() as playwright:
        _invite(stack)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Console(stack=stack, browser=browser)
        browser.close()


def _build() -> None:
    """Build the page, unless it is newer than its sources; one process builds, and the others wait."""
    console = CONSOLE_DIRECTORY.parent
    sources = [*(console / "src").iterdir(), *(path for path in console.iterdir() if path.is_file())]
    BUILD_DIRECTORY.mkdir(exist_ok=True)
    with (BUILD_DIRECTORY / "console.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        page = CONSOLE_DIRECTORY / "index.html"
        if not page.exists() or page.stat().st_mtime < max(path.stat().st_mtime for path in sources):
            subprocess.run(["make", "console"], cwd=PROJECT_DIRECTORY, check=True)  # noqa: S607 (what a user runs)


def _invite(stack: Stack) -> None:
    """Make the users, whose passwords are no longer temporary ones; one of them is an operator."""
    cognito, pool = stack.cloud.client("cognito-idp"), stack.outputs["userPoolId"]
    for user in (USER, OPERATOR):
        cognito.admin_create_user(UserPoolId=pool, Username=user, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=pool, Username=user, Password=PASSWORD, Permanent=True)
    cognito.admin_add_user_to_group(UserPoolId=pool, Username=OPERATOR, GroupName=OPERATORS)
