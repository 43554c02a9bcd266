"""Deploys a project and dies with the engine when so many resources are made, as when the machine loses its power.

A process of its own: whoever calls the Automation API dies with it too. The last line that it writes holds the process
ids of the engine's plugins, which nobody kills.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pulumi.automation import EngineEvent

from operations.deploy.engine import Engine, deploy
from tests.engine.stack import NAME, Cli


def main(directory: str, resources: str) -> None:
    cli = Cli()
    made: list[str] = []

    def count(event: EngineEvent) -> None:
        step = event.res_outputs_event
        if step and not step.planning:
            made.append(step.metadata.urn)
        if len(made) == int(resources):
            plugins = cli.plugins()
            cli.kill()
            print(*plugins, flush=True)
            os._exit(os.EX_SOFTWARE)

    deploy(NAME, engine=Engine(directory=Path(directory), pulumi=cli, on_event=count))


if __name__ == "__main__":
    main(*sys.argv[1:])
