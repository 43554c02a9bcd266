"""A demonstration that cannot run prints the reason in one line."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from components.settings import SettingsError
from demo.endings import run
from localcloud.deployer import DeployError
from localcloud.emulator import EmulatorError
from program.stack_file import StackConfigError


@pytest.mark.parametrize("error", [SettingsError, DeployError, EmulatorError, StackConfigError])
def test_error_that_the_user_can_fix_is_one_line(error: type[Exception], capsys: pytest.CaptureFixture[str]) -> None:
    def fails(arguments: Sequence[str]) -> int:
        raise error(f"no {arguments[0]}")

    assert run("make demo", fails, ["cloud"]) == 1
    assert capsys.readouterr().err == "make demo: no cloud\n"


def test_interruption_is_one_line_and_has_its_own_status(capsys: pytest.CaptureFixture[str]) -> None:
    def is_interrupted(arguments: Sequence[str]) -> int:  # noqa: ARG001
        raise KeyboardInterrupt

    assert run("make demo", is_interrupted, []) == 130
    assert capsys.readouterr().err.count("\n") == 1


def test_unexpected_error_has_its_traceback() -> None:
    def is_broken(arguments: Sequence[str]) -> int:  # noqa: ARG001
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run("make demo", is_broken, [])
