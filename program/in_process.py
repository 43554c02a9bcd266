"""Runs a Pulumi program in this process, with the caller's resource monitor in place of the engine."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import runpy
import threading
from collections.abc import Mapping
from pathlib import Path

from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockEngine, MockMonitor, MockSettings
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

PROJECT_DIRECTORY = Path(__file__).resolve().parent.parent

_logger = logging.getLogger(__name__)


def run_program(
    monitor: MockMonitor, *, project: str, stack: str, config: Mapping[str, str], directory: Path = PROJECT_DIRECTORY
) -> None:
    """Run `__main__.py` to its end, as the engine does for one stack.

    One run at a time in a process. A run has its own event loop and empty context, so it shares no stack, settings or
    mocks with the caller or with another run.

    Args:
        monitor: answers every registration and call, from several threads.
        project: the project's name, as `Pulumi.yaml` has it.
        stack: the stack's name.
        config: the stack's settings by `namespace:key`, as text.
        directory: where `__main__.py` is.

    Raises:
        Exception: the first that the program or the monitor raised.
    """
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(_run(monitor, project, stack, config, directory), context=contextvars.Context())


async def _run(monitor: MockMonitor, project: str, stack: str, config: Mapping[str, str], directory: Path) -> None:
    set_all_config(dict(config))
    configure(
        MockSettings(
            monitor=monitor,
            engine=MockEngine(_logger),
            project=project,
            stack=stack,
            organization="organization",
            root_directory=str(directory),
            dry_run=False,
            lock=threading.Lock(),
            outputs=set(),
            package_refs={},
            base_providers_by_ref={},
            monitor_features=set(),
        )
    )
    # Every output that depends on a failed resource fails too: one report is enough.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: _logger.debug(context["message"]))

    def program() -> None:
        runpy.run_path(str(directory / "__main__.py"), run_name="__main__")

    await run_in_stack(program)
