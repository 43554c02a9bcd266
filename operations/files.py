"""`img-pipeline upload`, `jobs` and `asset`: put files in, watch them go through, look at what came out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn
from rich.table import Table

from operations import jobs as jobs_
from operations.connection import Connection, LocalOption, StackOption, connect
from operations.errors import OperationError
from operations.interruption import Interruption
from operations.pipeline import Upload
from operations.rows import Row, asset_rows
from operations.terminal import JsonOption
from operations.uploading import PARALLEL_UPLOADS, Outcome, Transfer, file_key, find_files, upload_files

# More rows than a screen holds help nobody; what went well is then only counted.
LISTED_JOBS = 50
REFRESH_SECONDS = 1.0

_COLOURS = {
    "COMPLETED": "green",
    "REJECTED": "yellow",
    "FAILED": "red",
    "SUPERSEDED": "dim",
    "PROCESSING": "cyan",
}

_out, _err = Console(), Console(stderr=True)

jobs = typer.Typer(help="List, show and watch jobs: one for each version of a file.", no_args_is_help=True)
asset = typer.Typer(help="Show what is kept about a processed file.", no_args_is_help=True)

FileKey = Annotated[str, typer.Argument(metavar="FILEKEY", help="The file's key, with or without `uploads/`.")]


def upload(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files, folders, or patterns in quotes.")],
    *,
    prefix: Annotated[str, typer.Option(help="Put them into this folder, below `uploads/`.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Upload also what is already there, as a new version.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow each file to its end and print a table.")] = False,
    timeout: Annotated[float, typer.Option(help="With --wait, seconds to wait at most.")] = 600,
    parallel: Annotated[int, typer.Option(min=1, max=32, help="Uploads beside each other.")] = PARALLEL_UPLOADS,
    stack: StackOption = "dev",
    local: LocalOption = False,
    json_: JsonOption = False,
) -> None:
    """Upload files, folders or patterns, and with --wait follow them to their end.

    A file that is already there with the same size and SHA-256 is left out, so the same command goes on where an
    earlier one was stopped. Exits with 1 if a file could not be uploaded or, with --wait, was not completed.

    Example:

    ```
    img-pipeline upload cat.jpg --wait
    img-pipeline upload photos/ --prefix summer --stack prod
    img-pipeline upload 'photos/**/*.jpg' --local
    ```
    """
    connection = connect(stack, local=local)
    files = find_files(paths, prefix)
    with Interruption() as interruption:
        transfers = _upload(connection, files, interruption, force=force, parallel=parallel, silent=json_)
        uploads = [transfer.upload for transfer in transfers if transfer.upload]
        rows = _follow(connection, uploads, interruption, timeout, silent=json_) if wait else {}
    if json_:
        typer.echo(_as_json([_transfer_record(transfer, rows) for transfer in transfers]))
    else:
        _tell_transfers(transfers, len(files), stopped=interruption.requested)
        if rows:
            _tell_ends(connection, rows)
    failed = any(transfer.outcome is Outcome.FAILED for transfer in transfers)
    unfinished = any(not row or row["status"] not in ("COMPLETED", "SUPERSEDED") for row in rows.values())
    if failed or unfinished or len(transfers) < len(files):
        raise typer.Exit(1)


@jobs.command("list")
def list_jobs(
    *,
    status: Annotated[
        str | None, typer.Option(help=f"Only {', '.join(jobs_.STATUSES)}.", show_default=False, metavar="STATUS")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    stack: StackOption = "dev",
    local: LocalOption = False,
    json_: JsonOption = False,
) -> None:
    """List the jobs that began last, newest first.

    Example: `img-pipeline jobs list --status FAILED --limit 50`
    """
    if status and status.upper() not in jobs_.STATUSES:
        raise OperationError(f"{status} is no status: a job is {', '.join(jobs_.STATUSES)}")
    rows = jobs_.newest_jobs(connect(stack, local=local), status=status.upper() if status else None, limit=limit)
    if json_:
        typer.echo(_as_json(rows))
    elif rows:
        _out.print(_jobs_table(rows))
    else:
        _out.print("no jobs" + (f" that are {status.upper()}" if status else ""))


@jobs.command("show")
def show_job(
    wanted: Annotated[str, typer.Argument(metavar="JOBID|FILEKEY", help="A job's id, or a file's key.")],
    *,
    stack: StackOption = "dev",
    local: LocalOption = False,
    json_: JsonOption = False,
) -> None:
    """Show one job: where it stands, why, what to do, and each stage of each attempt.

    A file's key shows its newest job and lists the older ones.

    Example:

    ```
    img-pipeline jobs show uploads/cat.jpg
    img-pipeline jobs show 3f2a9c0d5b1e4f60718293a4b5c6d7e8 --json
    ```
    """
    newest, *older = jobs_.find_jobs(connect(stack, local=local), wanted)
    if json_:
        typer.echo(_as_json({**newest, "olderJobs": [row["jobId"] for row in older]}))
        return
    _print_fields(newest, first=("status", "reasonCode", "reason", "hint"), leave_out=("stages", "expiresAt"))
    table = Table("attempt", "stage", "at", "seconds", box=None, pad_edge=False, header_style="bold")
    before: datetime | None = None
    for stage in newest.get("stages", []):
        at = datetime.fromisoformat(stage["at"])
        table.add_row(
            str(stage["attempt"]),
            stage["stage"],
            stage["at"],
            f"+{(at - before).total_seconds():.3f}" if before and stage["stage"] != "RECEIVED" else "",
        )
        before = at
    _out.print()
    _out.print(table)
    if older:
        _out.print("\nolder versions of this file:")
        _out.print(_jobs_table(older))


@jobs.command("watch")
def watch_jobs(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="FILEKEY", help="These files only; leave out for the newest jobs.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many of the newest jobs.")] = 20,
    stack: StackOption = "dev",
    local: LocalOption = False,
) -> None:
    """Watch jobs as they change: those of some files until all are over, or the newest until Ctrl-C.

    Example:

    ```
    img-pipeline jobs watch
    img-pipeline jobs watch uploads/cat.jpg uploads/dog.png
    ```
    """
    connection = connect(stack, local=local)
    last_attempt = jobs_.deliveries(connection)
    told: dict[str, Row] = {}
    with Interruption() as interruption, Live(console=_out, auto_refresh=False) as live:
        while not interruption.requested:
            rows = _watched(connection, names or [], limit)
            if _out.is_terminal:
                live.update(_jobs_table(rows), refresh=True)
            else:
                _tell_changes(rows, told)
            if names and len(rows) == len(names) and all(jobs_.is_over(row, last_attempt) for row in rows):
                return
            interruption.sleep(REFRESH_SECONDS)


@asset.command("show")
def show_asset(
    name: FileKey, *, stack: StackOption = "dev", local: LocalOption = False, json_: JsonOption = False
) -> None:
    """Show a file's record: type, size, renditions, metadata, and when it was published.

    Example: `img-pipeline asset show uploads/cat.jpg`
    """
    connection = connect(stack, local=local)
    key, stack = file_key(name), connection.stack
    row = connection.pipeline.asset(key)
    if row is None:
        raise OperationError(f"{stack} has no record of {key}: `img-pipeline jobs show {key} --stack {stack}` says why")
    if json_:
        typer.echo(_as_json(row))
        return
    _print_fields(row, leave_out=("renditions", "metadata"))
    table = Table("rendition", "type", "pixels", "bytes", "key", box=None, pad_edge=False, header_style="bold")
    for rendition in row["renditions"]:
        pixels = f"{rendition['width']} × {rendition['height']}"  # noqa: RUF001 - the sign of a size
        table.add_row(
            rendition["name"], rendition["contentType"], pixels, f"{rendition['bytes']:,}", escape(rendition["key"])
        )
    _out.print()
    _out.print(table)
    _out.print()
    _print_fields(row["metadata"])


def _upload(
    connection: Connection,
    files: Sequence[Any],
    interruption: Interruption,
    *,
    force: bool,
    parallel: int,
    silent: bool,
) -> list[Transfer]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=_err, transient=True, disable=silent) as progress:
        task = progress.add_task(f"uploading {len(files)} files", total=sum(file.size for file in files))

        def on_done(transfer: Transfer) -> None:
            progress.update(task, advance=transfer.file.size, description=f"{transfer.outcome} {transfer.file.key}")

        return upload_files(
            connection, files, force=force, parallel=parallel, interruption=interruption, on_done=on_done
        )


def _tell_transfers(transfers: Sequence[Transfer], wanted: int, *, stopped: bool) -> None:
    for transfer in transfers:
        if transfer.outcome is Outcome.FAILED:
            _err.print(f"[red]failed:[/] {escape(f'{transfer.file.path}: {transfer.error}')}", soft_wrap=True)
    counts = Counter(transfer.outcome for transfer in transfers)
    told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome]) or "nothing uploaded"
    _out.print(told, highlight=False)
    if stopped and len(transfers) < wanted:
        _err.print(f"stopped: {wanted - len(transfers)} files are left; the same command goes on with them")


def _follow(
    connection: Connection, uploads: Sequence[Upload], interruption: Interruption, timeout: float, *, silent: bool
) -> dict[Upload, Row | None]:
    counts = _Counts()
    with _err.status("waiting for the first job") as status:

        def on_change(upload: Upload, row: Row) -> None:
            counts.take(upload, row)
            if not silent:
                status.update(f"following {len(uploads)} files: {counts}")

        return jobs_.follow(
            connection, uploads, interruption=interruption, timeout_seconds=timeout, on_change=on_change
        )


@dataclass
class _Counts:
    """How many of the followed files have which status."""

    _statuses: dict[Upload, str] = field(default_factory=dict)

    def take(self, upload: Upload, row: Row) -> None:
        self._statuses[upload] = row["status"]

    def __str__(self) -> str:
        counts = Counter(self._statuses.values())
        return ", ".join(f"{counts[status]} {status}" for status in jobs_.STATUSES if counts[status])


def _tell_ends(connection: Connection, rows: Mapping[Upload, Row | None]) -> None:
    """A table of how each file ended; only what did not go well where there are many."""
    shown = rows
    if len(rows) > LISTED_JOBS:
        shown = {upload: row for upload, row in rows.items() if not row or row["status"] != "COMPLETED"}
    assets = asset_rows(connection, [upload.file_key for upload in shown])
    table = Table("file", "status", "seconds", "", box=None, pad_edge=False, header_style="bold")
    for upload, row in shown.items():
        renditions = len(assets.get(upload.file_key, {}).get("renditions", []))
        if row is None:
            what = (
                f"not received by the workflow yet: `img-pipeline trace {upload.file_key} --stack {connection.stack}`"
            )
        elif row["status"] == "COMPLETED":
            what = f"{renditions} renditions"
        else:
            what = _why(row)
        status = row["status"] if row else "WAITING"
        table.add_row(escape(upload.file_key), _coloured(status), _seconds_text(row), escape(what))
    _out.print(table)
    counts = Counter(row["status"] if row else "WAITING" for row in rows.values())
    _out.print(", ".join(f"{count} {status}" for status, count in counts.items()), highlight=False)


def _watched(connection: Connection, names: Sequence[str], limit: int) -> list[Row]:
    if not names:
        return jobs_.newest_jobs(connection, limit=limit)
    newest = [jobs_.jobs_of_file(connection, name, limit=1) for name in names]
    return [rows[0] for rows in newest if rows]


def _tell_changes(rows: Iterable[Row], told: dict[str, Row]) -> None:
    """A line for each job that is not as it was told before; for a log or a pipe."""
    for row in rows:
        known = told.get(row["jobId"])
        if known is None or (known["status"], known["attempt"]) != (row["status"], row["attempt"]):
            line = [row["updatedAt"], row["status"], row["fileKey"], f"attempt {row['attempt']}", _why(row)]
            typer.echo("  ".join(part for part in line if part))
        told[row["jobId"]] = row


def _jobs_table(rows: Iterable[Row]) -> Table:
    table = Table("began", "status", "stage", "try", "seconds", "file", "why", box=None, pad_edge=False)
    table.header_style = "bold"
    for row in rows:
        began = datetime.fromisoformat(row["createdAt"]).astimezone()
        table.add_row(
            f"{began:%Y-%m-%d %H:%M:%S}",
            _coloured(row["status"]),
            row.get("stage", ""),
            str(row["attempt"]),
            _seconds_text(row),
            escape(row["fileKey"]),
            escape(row.get("reasonCode", "")),
        )
    return table


def _coloured(status: str) -> str:
    return f"[{_COLOURS.get(status, 'white')}]{status}[/]"


def _seconds_text(row: Row | None) -> str:
    if row is None:
        return ""
    taken = jobs_.seconds(row)
    return f"{taken:.2f}" if taken is not None else ""


def _why(row: Mapping[str, Any]) -> str:
    return f"{row['reasonCode']}: {row['reason']}" if "reasonCode" in row else ""


def _print_fields(values: Mapping[str, Any], first: Sequence[str] = (), leave_out: Sequence[str] = ()) -> None:
    table = Table.grid("", "", padding=(0, 2))
    for name in dict.fromkeys([*first, *values]):
        value = values.get(name, "")
        if value != "" and name not in leave_out:
            text = value if isinstance(value, str) else json.dumps(value, default=_plain, ensure_ascii=False)
            table.add_row(f"[bold]{name}[/]", escape(text))
    _out.print(table, highlight=False)


def _transfer_record(transfer: Transfer, rows: Mapping[Upload, Row | None]) -> dict[str, Any]:
    record = {"path": str(transfer.file.path), "fileKey": transfer.file.key, "outcome": transfer.outcome}
    if transfer.upload is None:
        return {**record, "error": transfer.error}
    record |= {"versionId": transfer.upload.version_id, "jobId": transfer.upload.job_id}
    return {**record, "job": rows[transfer.upload]} if transfer.upload in rows else record


def _as_json(value: Any) -> str:
    return json.dumps(value, default=_plain, indent=2, ensure_ascii=False)


def _plain(value: object) -> int | float:
    """DynamoDB's numbers as JSON's."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    return int(value) if value == value.to_integral_value() else float(value)
