"""`img-pipeline`: the operator's command line. Each command group lives in the module of its name."""

from __future__ import annotations

import sys

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from operations.errors import OperationError

app = typer.Typer(
    name="img-pipeline",
    help="Deploy, watch and mend the media pipeline, on AWS or in the embedded cloud.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; what goes wrong is one line for people, and exit status 1."""
    try:
        app()
    except OperationError as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", soft_wrap=True, highlight=False)
        sys.exit(1)
    except (ClientError, BotoCoreError) as error:
        Console(stderr=True).print(f"[red]AWS refused:[/] {error}", soft_wrap=True, highlight=False)
        sys.exit(1)
