"""A stack with a console, and a browser that is signed in at the stack's own sign-in page."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from components.blocks.packaging import CONSOLE_DIRECTORY, PROJECT_DIRECTORY
from contract.api import OPERATORS
from testing.stack import Stack, deployed_stack

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
USER, OPERATOR, PASSWORD = "jo@example.com", "olivia@example.com", "Correct-horse-battery-9"
# Large enough for an upload in parts; the functions' memory is for such files.
SETTINGS = {
    "api": {"enabled": True, "console": True, "auth": "jwt"},
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


# Not for longer than its file: while it is open, no other test of its process can run an event loop.
@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    if not CHROMIUM:
        pytest.skip("needs a browser: apt-get install chromium")
    if not shutil.which("npm"):
        pytest.skip("needs Node.js, to build the console")
    if not (CONSOLE_DIRECTORY / "index.html").exists():
        subprocess.run(["make", "console"], cwd=PROJECT_DIRECTORY, check=True)  # noqa: S607 (what a user runs)
    with deployed_stack(**SETTINGS) as stack, sync_playwright() as playwright:
        _invite(stack)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Console(stack=stack, browser=browser)
        browser.close()


def _invite(stack: Stack) -> None:
    """Make the users, whose passwords are no longer temporary ones; one of them is an operator."""
    cognito, pool = stack.cloud.client("cognito-idp"), stack.outputs["userPoolId"]
    for user in (USER, OPERATOR):
        cognito.admin_create_user(UserPoolId=pool, Username=user, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=pool, Username=user, Password=PASSWORD, Permanent=True)
    cognito.admin_add_user_to_group(UserPoolId=pool, Username=OPERATOR, GroupName=OPERATORS)
