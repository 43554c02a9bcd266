"""Errors of the demonstrations: one line on standard error, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import pulumi

from localcloud.deployer import DeployError
from localcloud.emulator import EmulatorError
from program.stack_file import StackConfigError

INTERRUPTED = 130
"""The exit status of a command that SIGINT ended: 128 + 2."""


def run(name: str, main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """Run a demonstration and return its exit status.

    Args:
        name: the command that the user typed, ``make demo``.
        main: the demonstration.
        arguments: its command-line arguments.
    """
    try:
        return main(arguments)
    except KeyboardInterrupt:
        print(f"{name}: interrupted; the embedded cloud is stopped and nothing is kept", file=sys.stderr)
        return INTERRUPTED
    except (DeployError, EmulatorError, StackConfigError, pulumi.RunError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
