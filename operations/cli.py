"""`img-pipeline`: the operator's command line. Its commands are in `operations.commands`."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from rich.markup import escape
from typer.core import TyperGroup

from client.errors import PipelineError
from contract.names import PROJECT
from operations.commands import (
    api,
    backfill,
    cost,
    dead_letters,
    deployment,
    doctor,
    files,
    ingestion,
    jobs,
    logs,
    orders,
    rerender,
    trace,
    webhooks,
)
from operations.commands.console import err, interruption_reported, out


class _CommandLine(TyperGroup):
    def invoke(self, ctx: typer.Context) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Run a command; one that changes something reports Ctrl-C itself from then on."""
        with interruption_reported(lambda: "nothing was changed"):
            return super().invoke(ctx)


app = typer.Typer(
    name="img-pipeline",
    cls=_CommandLine,
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
for part in (
    deployment,
    cost,
    files,
    api,
    jobs,
    trace,
    logs,
    doctor,
    ingestion,
    backfill,
    rerender,
    dead_letters,
    webhooks,
    orders,
):
    app.add_typer(part.app)


def main() -> None:
    """Run the command line; an error is reported in one line, with exit status 1."""
    try:
        app()
    except PipelineError as error:
        _fail("error", error)
    except ClientError as error:
        _fail("AWS refused", error)
    except (BotoCoreError, OSError) as error:
        _fail("error", error, _advice(error))


# Errors that occur before AWS answers, and what to do about each; the first class that matches counts.
_ADVICE: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((NoRegionError,), "set the variable AWS_DEFAULT_REGION"),
    (
        (NoCredentialsError, PartialCredentialsError),
        "log in with `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    ((ProfileNotFound,), "set AWS_PROFILE to a profile that `aws configure list-profiles` shows"),
    ((UnauthorizedSSOTokenError, TokenRetrievalError), "log in again with `aws sso login`"),
    (
        (EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError),
        "check the network, the region and AWS_ENDPOINT_URL",
    ),
)


def _advice(error: Exception) -> str:
    return next((advice for classes, advice in _ADVICE if isinstance(error, classes)), "")


def _fail(what: str, error: Exception, advice: str = "") -> None:
    line = " ".join(str(error).split()).removesuffix(".")
    err.print(f"[red]{what}:[/] {escape(f'{line}: {advice}' if advice else line)}")
    sys.exit(1)
