"""Deploys a project and dies with the engine when so many resources are made, as when the machine loses its power.

A process of its own: whoever calls the Automation API dies with it too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from pulumi.automation import EngineEvent

from operations.deployment import Engine, deploy
from tests.engine.stack import NAME, Cli


def main(directory: str, resources: str, checkpoint: str) -> None:
    cli = Cli()
    made: list[str] = []

    def count(event: EngineEvent) -> None:
        step = event.res_outputs_event
        if step and not step.planning:
            made.append(step.metadata.urn)
        if len(made) == int(resources):
            die(cli, Path(checkpoint))

    deploy(NAME, engine=Engine(directory=Path(directory), pulumi=cli, on_event=count))


def die(cli: Cli, checkpoint: Path) -> None:
    """Kill the engine while an operation is under way, between two writes of its checkpoint.

    The file backend writes in place: killed in the middle, it leaves half a checkpoint and the one before as `.bak`.
    """
    cli.signal(signal.SIGSTOP)
    while not has_pending_operations(checkpoint):
        cli.signal(signal.SIGCONT)
        time.sleep(0.01)
        cli.signal(signal.SIGSTOP)
    cli.signal(signal.SIGKILL)
    os._exit(os.EX_SOFTWARE)


def has_pending_operations(checkpoint: Path) -> bool:
    try:
        return bool(json.loads(checkpoint.read_text(encoding="utf-8"))["checkpoint"]["latest"]["pending_operations"])
    except (ValueError, KeyError):
        return False


if __name__ == "__main__":
    main(*sys.argv[1:])
