"""Options that several commands have, and the panels of the help page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from client.errors import InvalidRequestError
from client.move_task import MAX_RATE

# Panels of `--help`, in the order of a stack's life.
DEPLOY, FILES, OPERATE = "Deploy", "Files", "Operate"

StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        envvar="IMG_PIPELINE_STACK",
        help="The stack, as `pulumi stack ls` names it; `dev` unless given.",
        show_default=False,
    ),
]
LocalOption = Annotated[
    bool, typer.Option("--local", help="The stack `local`, in the embedded cloud that `make up` keeps running here.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
YesOption = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Do not ask for confirmation. Without a terminal and without --yes, nothing is changed."
    ),
]
RateOption = Annotated[int, typer.Option(min=1, max=MAX_RATE, help="The maximum number of messages sent per second.")]


def chosen_status(given: str | None, statuses: Sequence[str], noun: str) -> str | None:
    """The status that `--status` names, in any case; None if it was not given.

    Args:
        given: the option's value.
        statuses: those that there are.
        noun: what has the status, such as "a job".

    Raises:
        InvalidRequestError: there is no such status.
    """
    wanted = given.upper() if given else None
    if wanted and wanted not in statuses:
        raise InvalidRequestError(f"{given} is not a status: {noun} is {', '.join(statuses)}")
    return wanted
