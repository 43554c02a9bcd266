"""The embedded cloud as a pytest fixture. Load it with ``pytest_plugins = ["localcloud.pytest_fixture"]``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.emulator import Emulator


@pytest.fixture(scope="session")
def cloud() -> Iterator[Emulator]:
    """One embedded cloud for the whole session; a pipe runs three workflows at a time and retries after a second."""
    with Emulator.start(pipe_concurrency=3, pipe_retry_seconds=1) as emulator:
        yield emulator
