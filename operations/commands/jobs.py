"""`img-pipeline jobs`: list, show and watch jobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.markup import escape

from client.errors import NotFoundError
from client.jobs import STATUSES, deliveries, find_jobs, is_over, jobs_of_file, newest_jobs
from client.pipeline import Pipeline, Row
from client.uploads import file_key, is_stored
from contract.assets import DELETED_AT
from operations.commands.console import end_interrupted, out, print_fields, print_json, print_rows, print_table, table
from operations.commands.job_cells import coloured, seconds_text, why
from operations.commands.options import FILES, JsonOption, LocalOption, StackOption, chosen_status
from operations.connection import connect
from operations.interruption import Interruption

REFRESH_SECONDS = 1.0

_HEADINGS = ("began", "status", "stage", "try", "seconds", "reason", "file")

app = typer.Typer()
jobs = typer.Typer(help="List, show and watch jobs: one for each version of a file.", no_args_is_help=True)
app.add_typer(jobs, name="jobs", rich_help_panel=FILES)


@jobs.command("list")
def list_jobs(
    *,
    status: Annotated[
        str | None, typer.Option(help=f"Only {', '.join(STATUSES)}.", show_default=False, metavar="STATUS")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    stack: StackOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the jobs that began last, newest first.

    Example: `img-pipeline jobs list --status FAILED --limit 50`
    """
    wanted = chosen_status(status, STATUSES, "a job")
    rows = newest_jobs(connect(stack, local=local), status=wanted, limit=limit)
    print_rows(rows, _HEADINGS, _cells, nothing=f"no jobs that are {wanted}" if wanted else "no jobs", as_json=as_json)


@jobs.command("show")
def show_job(
    wanted: Annotated[str, typer.Argument(metavar="JOBID|FILEKEY", help="A job's id, or a file's key.")],
    *,
    stack: StackOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show one job: its status, the reason, what to do, and each stage of each attempt.

    A file's key shows its newest job and lists the older ones.

    Example:

    ```
    img-pipeline jobs show uploads/cat.jpg
    img-pipeline jobs show 3f2a9c0d5b1e4f60718293a4b5c6d7e8 --json
    ```
    """
    newest, *older = find_jobs(connect(stack, local=local), wanted)
    if as_json:
        print_json({**newest, "olderJobs": [row["jobId"] for row in older]})
        return
    if DELETED_AT in newest:
        out.print(f"{escape(newest['fileKey'])} was deleted at {newest[DELETED_AT]}")
    print_fields(newest, first=("status", "reasonCode", "reason", "hint"), leave_out=("stages", "expiresAt"))
    cells: list[tuple[str, ...]] = []
    before: datetime | None = None
    for stage in newest.get("stages", []):
        at = datetime.fromisoformat(stage["at"])
        passed = f"+{(at - before).total_seconds():.3f}" if before and stage["stage"] != "RECEIVED" else ""
        cells.append((str(stage["attempt"]), stage["stage"], stage["at"], passed))
        before = at
    out.print()
    print_table(("attempt", "stage", "at", "seconds"), cells)
    if older:
        out.print("\nolder versions of this file:")
        print_table(_HEADINGS, map(_cells, older))


@jobs.command("watch")
def watch_jobs(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="FILEKEY", help="Only these files; the newest jobs if omitted.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many of the newest jobs.")] = 20,
    stack: StackOption = None,
    local: LocalOption = False,
) -> None:
    """Watch jobs as they change: those of some files until all are over, or the newest until Ctrl-C.

    Example:

    ```
    img-pipeline jobs watch
    img-pipeline jobs watch uploads/cat.jpg uploads/dog.png
    ```
    """
    pipeline = connect(stack, local=local)
    last_attempt = deliveries(pipeline)
    for name in names or []:
        if not jobs_of_file(pipeline, name) and not is_stored(pipeline, file_key(name)):
            raise NotFoundError(
                f"{pipeline.stack} has no file {file_key(name)}: neither the bucket nor the jobs table has it"
            )
    printed: dict[str, Row] = {}
    rows: list[Row] = []
    with Interruption() as interruption, Live(console=out, auto_refresh=False) as live:
        while not interruption.requested:
            rows = _watched(pipeline, names or [], limit)
            if out.is_terminal:
                live.update(Group(*table(_HEADINGS, map(_cells, rows))), refresh=True)
            else:
                _print_changes(rows, printed)
            if names and len(rows) == len(names) and all(is_over(row, last_attempt) for row in rows):
                return
            interruption.sleep(REFRESH_SECONDS)
    over = sum(is_over(row, last_attempt) for row in rows)
    end_interrupted(f"{over} of {len(names or rows)} jobs are over; the others continue")


def _watched(pipeline: Pipeline, names: Sequence[str], limit: int) -> list[Row]:
    if not names:
        return newest_jobs(pipeline, limit=limit)
    newest = [jobs_of_file(pipeline, name, limit=1) for name in names]
    return [rows[0] for rows in newest if rows]


def _print_changes(rows: Iterable[Row], printed: dict[str, Row]) -> None:
    """Print a line for each job whose status or attempt has changed; for a log or a pipe."""
    for row in rows:
        known = printed.get(row["jobId"])
        if known is None or (known["status"], known.get("attempt")) != (row["status"], row.get("attempt")):
            attempt = f"attempt {row['attempt']}" if "attempt" in row else ""
            line = [row["updatedAt"], row["status"], row["fileKey"], attempt, why(row)]
            typer.echo("  ".join(part for part in line if part))
        printed[row["jobId"]] = row


def _cells(row: Row) -> tuple[str, ...]:
    began = datetime.fromisoformat(row["createdAt"]).astimezone()
    return (
        f"{began:%Y-%m-%d %H:%M:%S}",
        coloured(row["status"]),
        row.get("stage", ""),
        # A job that waits for its file has none yet.
        str(row.get("attempt", "")),
        seconds_text(row),
        escape("deleted" if DELETED_AT in row else row.get("reasonCode", "")),
        escape(row["fileKey"]),
    )
