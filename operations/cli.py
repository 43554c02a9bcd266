"""`img-pipeline`: the operator's command line. Its commands are in `operations.commands`."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from client.errors import PipelineError
from contract.names import PROJECT
from operations.commands import (
    backfill,
    cost,
    dead_letters,
    deployment,
    doctor,
    files,
    ingestion,
    jobs,
    rerender,
    trace,
)
from operations.commands.console import err, out

app = typer.Typer(
    name="img-pipeline",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"{PROJECT} {version(PROJECT)}")
        raise typer.Exit


@app.callback()
def options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Deploy, watch and troubleshoot the media pipeline, on AWS or in the embedded cloud."""


# In the order of `--help`, which is that of a stack's life.
for part in (deployment, cost, files, jobs, trace, doctor, ingestion, backfill, rerender, dead_letters):
    app.add_typer(part.app)


def main() -> None:
    """Run the command line; what goes wrong is one line for people, and exit status 1."""
    try:
        app()
    except PipelineError as error:
        _fail("error", error)
    except (ClientError, BotoCoreError) as error:
        _fail("AWS refused", error)


def _fail(what: str, error: Exception) -> None:
    err.print(f"[red]{what}:[/] {escape(str(error))}")
    sys.exit(1)
