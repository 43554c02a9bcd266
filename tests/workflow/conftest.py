"""The workflow, deployed once for all its tests."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from localcloud.emulator import Emulator
from tests.workflow.rig import Rig, Upload

_numbers = count(1)


@pytest.fixture(scope="package")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The workflow in its own embedded cloud, with controlled waits and failures."""
    control_directory: Path = tmp_path_factory.mktemp("control")
    with Emulator.start() as cloud:
        yield Rig(cloud, control_directory)


@pytest.fixture
def upload() -> Upload:
    """A new file, with a name that needs correct encoding."""
    return Upload(file_key=f"uploads/Grüße 🌄 {next(_numbers)}+1 50%.jpg")
