"""One embedded cloud and one stack for the whole story, which the tests of `test_engine.py` tell in order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.emulator import Emulator
from tests.engine.stack import EngineStack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineStack]:
    """The local stack, not deployed yet."""
    with Emulator.start(pipe_retry_seconds=1) as cloud:
        yield EngineStack.prepare(cloud, tmp_path_factory.mktemp("engine"))
