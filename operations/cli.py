"""`img-pipeline`: the operator's command line. Each command lives in the module that does its work."""

from __future__ import annotations

import sys

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from operations import deployment_commands, files, ingestion
from operations.backfill import backfill
from operations.cost import cost
from operations.dead_letters import commands as dead_letter_commands
from operations.doctor import doctor
from operations.errors import OperationError
from operations.rerender import rerender
from operations.timeline import trace

app = typer.Typer(
    name="img-pipeline",
    help="Deploy, watch and mend the media pipeline, on AWS or in the embedded cloud.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

# In the order of `--help`, which is that of a stack's life.
DEPLOY, FILES, OPERATE = "Deploy", "Files", "Operate"
COMMANDS = {
    DEPLOY: (
        deployment_commands.deploy,
        deployment_commands.preview,
        deployment_commands.destroy,
        deployment_commands.refresh,
        deployment_commands.outputs,
        cost,
    ),
    FILES: (files.upload, trace),
    OPERATE: (doctor, ingestion.pause, ingestion.resume, ingestion.drain, backfill, rerender),
}
GROUPS = {
    FILES: {"jobs": files.jobs, "asset": files.asset},
    OPERATE: {"dlq": dead_letter_commands.app},
}
for panel, commands in COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
for panel, groups in GROUPS.items():
    for name, group in groups.items():
        app.add_typer(group, name=name, rich_help_panel=panel)


def main() -> None:
    """Run the command line; what goes wrong is one line for people, and exit status 1."""
    try:
        app()
    except OperationError as error:
        _fail("error", error)
    except (ClientError, BotoCoreError) as error:
        _fail("AWS refused", error)


def _fail(what: str, error: Exception) -> None:
    Console(stderr=True).print(f"[red]{what}:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
    sys.exit(1)
