"""One local stack for all tests of operations, and how its commands find it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from operations.connection import Connection
from tests.e2e.stack import Stack, deployed_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The real program, workflow, handlers and policies, deployed once, IAM enforced."""
    with deployed_stack() as deployed:
        yield deployed


@pytest.fixture(scope="session")
def connection(stack: Stack) -> Connection:
    """The stack as a command sees it."""
    return Connection(
        stack="local", outputs=stack.outputs, region=stack.cloud.region, endpoint_url=stack.cloud.endpoint_url
    )
