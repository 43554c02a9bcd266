"""One embedded cloud and one stack for the whole story, which the tests of `test_engine.py` tell in order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.emulator import Emulator
from operations.deploy.location import find_cli
from tests.engine.stack import EngineStack

collect_ignore = [] if find_cli() else ["test_backend.py", "test_engine.py"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineStack]:
    """The local stack, not deployed yet."""
    with Emulator.start(pipe_retry_seconds=1) as cloud:
        yield EngineStack.prepare(cloud, tmp_path_factory.mktemp("engine"))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line that Pulumi's engine has not been tested."""
    if find_cli() is None:
        terminalreporter.write_line(
            "Pulumi's engine left out: no CLI is on PATH or in the cache (`make engine` gets one)"
        )
