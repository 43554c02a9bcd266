"""What the commands that change something have in common: options, progress, and how they say what they did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from operations.move_task import MAX_RATE
from operations.replay import Tally

RateOption = Annotated[int, typer.Option(min=1, max=MAX_RATE, help="The most messages sent within any second.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it; without this, only say what would be done.")]

console = Console()
_errors = Console(stderr=True)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how far something is, on standard error; yields what to tell of how much is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_errors, transient=True) as bars:
        task = bars.add_task(what, total=total)
        yield lambda done: bars.update(task, completed=done)


def say_only(what: str) -> None:
    """Say what a command would do, and that it did not."""
    console.print(f"{what}\nnothing was changed; add --yes to do it", highlight=False)


def end(tally: Tally) -> None:
    """Say what is out of the ordinary.

    Raises:
        typer.Exit: with status 1, when something is left to do.
    """
    if tally.refused:
        console.print(f"SQS refused {tally.refused}; they are where they were")
    if tally.undeleted:
        console.print(f"{tally.undeleted} arrived but could not be deleted: another replay would send them again")
    if tally.interrupted:
        console.print("stopped on request; what was not sent is where it was")
    if tally.refused or tally.undeleted or tally.interrupted:
        raise typer.Exit(1)


def duration(seconds: float) -> str:
    """Seconds for people, such as 0:16:40."""
    return str(timedelta(seconds=max(round(seconds), 1)))


def print_json(value: Sequence[Any] | Mapping[str, Any]) -> None:
    """Print what a machine would read."""
    typer.echo(json.dumps(value, indent=2, default=_as_json, ensure_ascii=False))


def _as_json(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)
