"""One local stack for all end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.callers import Callers
from testing.stack import NO_THROTTLE, Stack, deployed_stack

FOLDER = Path(__file__).parent
ORDER_ATTEMPTS = 2
"""Attempts at an order before it is FAILED."""
ORIGIN = "https://app.example.com"
"""The one origin beside the console's whose pages may call the API."""


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The real program, workflow, handlers and policies, deployed once, IAM enforced."""
    api = {"auth": "jwt", "corsOrigins": [ORIGIN], **NO_THROTTLE}
    with deployed_stack(api=api, orders={"maxReceiveCount": ORDER_ATTEMPTS}) as deployed:
        yield deployed


@pytest.fixture(scope="package")
def callers(stack: Stack) -> Callers:
    """Those who call the stack's API."""
    return Callers(stack=stack)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the permissions that a whole run used come after the other tests of this folder."""
    places = [place for place, item in enumerate(items) if FOLDER in item.path.parents]
    ours = sorted((items[place] for place in places), key=lambda item: bool(item.get_closest_marker("after_the_run")))
    for place, item in zip(places, ours, strict=True):
        items[place] = item
