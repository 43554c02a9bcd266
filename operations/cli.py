"""`img-pipeline`: the operator's command line. Each command lives in the module that does its work."""

from __future__ import annotations

import sys

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from operations import deployment_commands, files, timeline
from operations.errors import OperationError

app = typer.Typer(
    name="img-pipeline",
    help="Deploy, watch and mend the media pipeline, on AWS or in the embedded cloud.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

for command in (
    deployment_commands.deploy,
    deployment_commands.preview,
    deployment_commands.destroy,
    deployment_commands.refresh,
    deployment_commands.outputs,
    files.upload,
    timeline.trace,
):
    app.command()(command)
app.add_typer(files.jobs, name="jobs")
app.add_typer(files.asset, name="asset")


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
