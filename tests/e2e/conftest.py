"""One local stack for all end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.stack import Stack, deployed_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The real program, workflow, handlers and policies, deployed once, IAM enforced."""
    with deployed_stack() as deployed:
        yield deployed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the permissions that a whole run used come after the run."""
    items.sort(key=lambda item: item.get_closest_marker("after_the_run") is not None)
