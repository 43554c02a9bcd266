"""How commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from client.pipeline import Row
from contract.moving import MoveResult
from operations.interruption import Interruption

# 128 + SIGINT, as shells report a command that Ctrl-C ended ("Exit Status", Bash Reference Manual).
INTERRUPTED_STATUS = 130

# Wider than anything a command prints.
_UNLIMITED = 100_000
# Spaces between columns.
_GAP = 2


def _console(*, stderr: bool) -> Console:
    """A console that does not wrap lines: a terminal does, and files and pipes have whole lines."""
    width = None if (sys.stderr if stderr else sys.stdout).isatty() else _UNLIMITED
    return Console(width=width, highlight=False, soft_wrap=True, stderr=stderr)


out, err = _console(stderr=False), _console(stderr=True)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[Text]:
    """Rows in columns, a line each; nothing is truncated, so identifiers can be copied and found with `grep`.

    Args:
        headings: one for each column; none for a table without a first line.
        rows: their cells, as markup. The last cell of a row is not padded: what may be long goes there.
    """
    lines = [[Text.from_markup(cell) for cell in row] for row in rows]
    if headings:
        lines.insert(0, [Text(heading, style="bold") for heading in headings])
    widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        for cell, width in zip(line[:-1], widths, strict=False):
            cell.pad_right(width - cell.cell_len + _GAP)
    return [Text.assemble(*line) for line in lines]


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print what `table` returns."""
    for line in table(headings, rows):
        out.print(line)


def print_rows(
    rows: Sequence[Row],
    headings: Sequence[str],
    cells: Callable[[Row], Sequence[str]],
    *,
    nothing: str,
    as_json: bool,
) -> None:
    """Print what a command lists: a table, or JSON.

    Args:
        rows: what it found.
        headings: see `table`.
        cells: makes a line's cells of a row.
        nothing: what to print instead of a table without lines.
        as_json: whether `--json` was given.
    """
    if as_json:
        print_json(rows)
    elif rows:
        print_table(headings, map(cells, rows))
    else:
        out.print(nothing, markup=False)


def print_fields(values: Mapping[str, Any], *, first: Sequence[str] = (), leave_out: Sequence[str] = ()) -> None:
    """Print names and values, a line each.

    Args:
        values: what to print; empty texts are left out.
        first: names that go before the others.
        leave_out: names that are not printed.
    """
    names = [name for name in dict.fromkeys([*first, *values]) if name not in leave_out and values.get(name, "") != ""]
    print_table((), [(f"[bold]{escape(name)}[/]", escape(_text(values[name]))) for name in names])


def print_json(value: Any) -> None:
    """Print JSON: names in camelCase, times in ISO 8601, numbers as numbers.

    Args:
        value: dataclasses, mappings, sequences, texts, numbers, times and paths, nested as need be.
    """
    typer.echo(json.dumps(value, default=_json_default, indent=2, ensure_ascii=False))


def confirmed(plan: str, *, yes: bool) -> bool:
    """Print what a command would do and ask for confirmation, unless `--yes` was given.

    Args:
        plan: what would be done, in one sentence.
        yes: whether `--yes` was given.
    """
    if yes:
        return True
    out.print(escape(plan))
    if ask("Continue?"):
        return True
    out.print("nothing was changed; add --yes to do it")
    return False


def ask(question: str) -> bool:
    """Ask on the terminal; False where there is none.

    Raises:
        KeyboardInterrupt: the answer was Ctrl-C.
    """
    try:
        return sys.stdin.isatty() and typer.confirm(question, err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar; yields a function that takes how much is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Where it cannot redraw its line, the bar would print an empty one.
    with Progress(*columns, console=err, transient=True, disable=not err.is_interactive) as bars:
        task = bars.add_task(what, total=total)
        yield lambda done: bars.update(task, completed=done)


@contextmanager
def sending(what: str, total: int | None) -> Iterator[tuple[Interruption, Callable[[MoveResult], None]]]:
    """Show the progress of sending messages, which the first Ctrl-C ends between two batches, the second immediately.

    Args:
        what: the task, such as "replaying".
        total: how many messages there are, if that is known.
    """
    sent = 0

    def so_far() -> str:
        return f"{sent} messages were sent, and possibly one more batch of up to ten"

    with interruption_reported(so_far), Interruption() as interruption, progress(what, total) as on_progress:

        def on_result(result: MoveResult) -> None:
            nonlocal sent
            sent = result.sent
            on_progress(sent)

        yield interruption, on_result


def finish(result: MoveResult, done: str, *, resume: str = "run the command again to continue") -> None:
    """Print what was done, and what SQS did not accept.

    Args:
        done: what was done, in one clause.
        resume: how to continue after Ctrl-C.

    Raises:
        typer.Exit: with status 1 if SQS refused messages, 130 after Ctrl-C.
    """
    if not result.interrupted:
        out.print(done, markup=False)
    if result.refused:
        out.print(f"SQS rejected {result.refused} messages; they are unchanged in their queue")
    if result.undeleted:
        out.print(f"{result.undeleted} messages were sent but not deleted: another replay would send them again")
    if result.interrupted:
        end_interrupted(f"{done}; {resume}")
    if result.refused or result.undeleted:
        raise typer.Exit(1)


def end_interrupted(report: str) -> NoReturn:
    """Report a command that Ctrl-C ended: what was done, and what is left.

    Raises:
        typer.Exit: with status 130.
    """
    err.print(f"interrupted: {report}", markup=False)
    raise typer.Exit(INTERRUPTED_STATUS)


@contextmanager
def interruption_reported(report: Callable[[], str]) -> Iterator[None]:
    """Turn Ctrl-C into one line and exit status 130.

    Args:
        report: returns what was done until then, and what is left.
    """
    try:
        yield
    except KeyboardInterrupt:
        end_interrupted(report())


def duration(seconds: float) -> str:
    """Seconds in hours, minutes and seconds, such as 0:16:40."""
    return str(timedelta(seconds=max(round(seconds), 1)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=_json_default, ensure_ascii=False)


def _json_default(value: object) -> object:
    """The JSON form of a value that `json` does not support."""
    if dataclasses.is_dataclass(value):
        return {_camel_case(field.name): getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return dict(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
