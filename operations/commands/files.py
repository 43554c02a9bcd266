"""`img-pipeline upload`, `download` and `asset`: put files in, fetch renditions, and see what is recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn

from client.api_access import api_access
from client.assets import check_deletable, delete_asset, find_asset, table_facts
from client.downloads import download_renditions
from client.errors import InvalidRequestError
from client.jobs import STATUSES, deliveries, follow
from client.pipeline import Pipeline, Row, is_finished
from client.uploads import (
    PARALLEL_UPLOADS,
    LocalFile,
    Outcome,
    Transfer,
    Upload,
    file_key,
    find_files,
    upload_files,
)
from contract.assets import DELETED_AT
from operations.commands.api import TokenOption, upload_by_api
from operations.commands.console import (
    confirmed,
    duration,
    end_interrupted,
    err,
    interruption_reported,
    out,
    print_fields,
    print_json,
    print_table,
)
from operations.commands.job_cells import coloured, seconds_text, why
from operations.commands.options import FILES, JsonOption, LocalOption, StackOption, YesOption
from operations.connection import connect
from operations.interruption import Interruption

# With more rows than this, completed files are only counted.
LISTED_JOBS = 50
# What is shown of a table's column; the profile among its renditions has more.
_COLUMN_FACTS = ("name", "type", "nulls", "distinct", "min", "max")

app = typer.Typer()
asset = typer.Typer(help="Show the record of a processed file, or delete the file.", no_args_is_help=True)

FileKey = Annotated[str, typer.Argument(metavar="FILEKEY", help="The file's key, with or without `uploads/`.")]


@app.command(rich_help_panel=FILES)
def upload(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files, folders, or patterns in quotes.")],
    *,
    prefix: Annotated[str, typer.Option(help="Upload to this folder below `uploads/`.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Upload unchanged files too, as new versions.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each file is processed and print a table.")] = False,
    timeout: Annotated[float, typer.Option(help="With --wait, seconds to wait at most.")] = 600,
    parallel: Annotated[int, typer.Option(min=1, max=32, help="The number of parallel uploads.")] = PARALLEL_UPLOADS,
    api: Annotated[bool, typer.Option("--api", help="Use the API, as a customer does, and not the bucket.")] = False,
    token: TokenOption = "",
    stack: StackOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Upload files, folders or patterns, and with --wait wait until they are processed.

    A file that is already in the bucket with the same size and SHA-256 is skipped, so running an interrupted command
    again continues it; with --api every file gets a new job. Exits with 1 if a file could not be uploaded or, with
    --wait, was not completed.

    Example:

    ```
    img-pipeline upload cat.jpg --wait
    img-pipeline upload photos/ --prefix summer --stack prod
    img-pipeline upload 'photos/**/*.jpg' --local
    img-pipeline upload cat.jpg --api --wait --local
    ```
    """
    pipeline = connect(stack, local=local)
    files = find_files(paths, prefix)
    if api:
        if prefix or force:
            raise InvalidRequestError("the API chooses each file's key: leave out --prefix and --force, or --api")
        url = api_access(pipeline).url
        upload_by_api(url, files, token=token, wait=wait, timeout=timeout, parallel=parallel, as_json=as_json)
        return
    with interruption_reported(lambda: "run the command again to continue the uploads"), Interruption() as interruption:
        transfers = _upload(pipeline, files, interruption, force=force, parallel=parallel, silent=as_json)
        uploads = [transfer.upload for transfer in transfers if transfer.upload]
        rows = _follow(pipeline, uploads, interruption, timeout, silent=as_json) if wait else {}
    if as_json:
        print_json([_transfer_record(pipeline, transfer, rows) for transfer in transfers])
    else:
        _print_transfers(transfers)
        if rows:
            _print_jobs(pipeline, rows)
    if interruption.requested:
        end_interrupted(_remaining_text(transfers, len(files), rows))
    failed = any(transfer.outcome is Outcome.FAILED for transfer in transfers)
    unfinished = any(not row or row["status"] not in ("COMPLETED", "SUPERSEDED") for row in rows.values())
    if failed or unfinished or len(transfers) < len(files):
        raise typer.Exit(1)


@app.command(rich_help_panel=FILES)
def download(
    name: FileKey,
    folder: Annotated[
        Path | None, typer.Argument(help="The target folder; named after the file if omitted.", show_default=False)
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    stack: StackOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Download a file's renditions into a folder.

    Example: `img-pipeline download uploads/cat.jpg cat/ --stack prod`
    """
    pipeline = connect(stack, local=local)
    target = folder or Path(Path(file_key(name)).stem)
    files: list[Path] = []

    def on_done(rendition: Mapping[str, Any], path: Path) -> None:
        files.append(path)
        status.update(f"{escape(str(path))}: {rendition['bytes']:,} bytes")

    with interruption_reported(lambda: _downloaded(files, target)), err.status("downloading") as status:
        paths = download_renditions(pipeline, name, target, overwrite=force, on_done=on_done)
    if as_json:
        print_json([{"path": str(path), "bytes": path.stat().st_size} for path in paths])
    else:
        print_table(("file", "bytes"), [(escape(str(path)), f"{path.stat().st_size:,}") for path in paths])


def _downloaded(files: Sequence[Path], folder: Path) -> str:
    return f"{len(files)} files are complete in {folder}: download again with --force"


@asset.command("show")
def show_asset(
    name: FileKey, *, stack: StackOption = None, local: LocalOption = False, as_json: JsonOption = False
) -> None:
    """Show a file's record: type, size, renditions, metadata, and when it was published.

    Example: `img-pipeline asset show uploads/cat.jpg`
    """
    pipeline = connect(stack, local=local)
    row = find_asset(pipeline, name)
    if as_json:
        print_json(row)
        return
    print_fields(row, leave_out=("renditions", "metadata", "columns"))
    out.print()
    print_table(("rendition", "type", "size", "bytes", "key"), map(_rendition_cells, row["renditions"]))
    out.print()
    print_fields(row.get("metadata", {}))
    if table := table_facts(row):
        out.print()
        print_table(_COLUMN_FACTS, map(_column_cells, table["columns"]))


@asset.command("delete")
def delete_file(
    name: FileKey,
    *,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the deletion at most.")] = 120,
    stack: StackOption = None,
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Delete a file, all renditions of all its versions and its record; subscribers are notified.

    The original gets a delete marker; S3's event does the rest. Versions of the original stay in the bucket until its
    lifecycle rule removes them; a file that is wanted back has to be uploaded again.

    Example: `img-pipeline asset delete uploads/cat.jpg --yes`
    """
    pipeline, key = connect(stack, local=local), file_key(name)
    check_deletable(pipeline, key)
    plan = f"{key}: its original gets a delete marker; its record and the renditions of all its versions are removed"
    if not confirmed(plan, yes=yes):
        return
    with interruption_reported(lambda: f"if {key} is marked as deleted, the rest follows"), err.status("deleting"):
        row = delete_asset(pipeline, key, timeout_seconds=timeout)
    out.print(f"{key} was deleted at {row[DELETED_AT]}", markup=False)


def _column_cells(column: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(escape(str(column[name])) if column.get(name) is not None else "" for name in _COLUMN_FACTS)


def _rendition_cells(rendition: Mapping[str, Any]) -> tuple[str, ...]:
    size = f"{rendition['width']} × {rendition['height']}" if "width" in rendition else ""  # noqa: RUF001 - the sign of a size
    return (
        rendition["name"],
        rendition["contentType"],
        size,
        f"{rendition['bytes']:,}",
        escape(rendition["key"]),
    )


def _upload(
    pipeline: Pipeline,
    files: Sequence[LocalFile],
    interruption: Interruption,
    *,
    force: bool,
    parallel: int,
    silent: bool,
) -> list[Transfer]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True, disable=silent or not err.is_interactive) as progress:
        task = progress.add_task(f"uploading {len(files)} files", total=sum(file.size for file in files))

        def on_done(transfer: Transfer) -> None:
            progress.update(task, advance=transfer.file.size, description=f"{transfer.outcome} {transfer.file.key}")

        return upload_files(pipeline, files, force=force, parallel=parallel, clock=interruption, on_done=on_done)


def _print_transfers(transfers: Sequence[Transfer]) -> None:
    for transfer in transfers:
        if transfer.outcome is Outcome.FAILED:
            err.print(f"[red]failed:[/] {escape(f'{transfer.file.path}: {transfer.error}')}")
    out.print(_counts(transfers))


def _counts(transfers: Sequence[Transfer]) -> str:
    counts = Counter(transfer.outcome for transfer in transfers)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome]) or "nothing uploaded"


def _remaining_text(transfers: Sequence[Transfer], wanted: int, rows: Mapping[Upload, Row | None]) -> str:
    """What an interrupted upload did, and what it did not."""
    if len(transfers) < wanted:
        return f"{_counts(transfers)}; {wanted - len(transfers)} files are left: run the command again to continue"
    unfinished = sum(row is None or not is_finished(row) for row in rows.values())
    return f"{_counts(transfers)}; {unfinished} jobs are not finished: `img-pipeline jobs watch` shows them"


def _follow(
    pipeline: Pipeline, uploads: Sequence[Upload], interruption: Interruption, timeout: float, *, silent: bool
) -> dict[Upload, Row | None]:
    counts = _Counts()
    with err.status("waiting for the first job") as status:

        def on_change(upload: Upload, row: Row) -> None:
            counts.take(upload, row)
            if not silent:
                status.update(f"following {len(uploads)} files: {counts}")
                if row["status"] == "FAILED":
                    err.print(_failed_attempt(pipeline, row))

        return follow(pipeline, uploads, clock=interruption, timeout_seconds=timeout, on_change=on_change)


def _failed_attempt(pipeline: Pipeline, row: Row) -> str:
    """What failed, and when the queue delivers the file again."""
    attempt, last = int(row["attempt"]), deliveries(pipeline)
    hidden = pipeline.queue(pipeline.outputs.transform_queue_url).visibility_timeout_seconds()
    again = f"the queue delivers it again within {duration(hidden)}"
    then = again if attempt < last else "its message moves to the dead-letter queue"
    what = f"{row['fileKey']}: attempt {attempt} of {last}: {row.get('reasonCode', '')} {row.get('reason', '')}"
    return f"[red]FAILED[/] {escape(what.rstrip())}; {then}"


@dataclass
class _Counts:
    """How many of the followed files have which status."""

    _statuses: dict[Upload, str] = field(default_factory=dict)

    def take(self, upload: Upload, row: Row) -> None:
        self._statuses[upload] = row["status"]

    def __str__(self) -> str:
        counts = Counter(self._statuses.values())
        return ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])


def _print_jobs(pipeline: Pipeline, rows: Mapping[Upload, Row | None]) -> None:
    """Print the status of each file; of many files, only of those that were not completed."""
    shown = rows
    if len(rows) > LISTED_JOBS:
        shown = {upload: row for upload, row in rows.items() if not row or row["status"] != "COMPLETED"}
    assets = pipeline.assets(upload.file_key for upload in shown)
    cells = []
    for upload, row in shown.items():
        if row is None:
            what = f"not received by the workflow yet: `img-pipeline trace {upload.file_key} --stack {pipeline.stack}`"
        elif row["status"] == "COMPLETED":
            what = f"{len(assets.get(upload.file_key, {}).get('renditions', []))} renditions"
        else:
            what = why(row)
        cells.append((escape(upload.file_key), coloured(_status(row)), seconds_text(row), escape(what)))
    print_table(("file", "status", "seconds", ""), cells)
    counts = Counter(map(_status, rows.values()))
    out.print(", ".join(f"{count} {status}" for status, count in counts.items()))


def _status(row: Row | None) -> str:
    return row["status"] if row else "WAITING"


def _transfer_record(pipeline: Pipeline, transfer: Transfer, rows: Mapping[Upload, Row | None]) -> dict[str, Any]:
    record = {"path": str(transfer.file.path), "fileKey": transfer.file.key, "outcome": transfer.outcome}
    if transfer.upload is None:
        return {**record, "error": transfer.error}
    record |= {"versionId": transfer.upload.version_id, "jobId": pipeline.job_id(transfer.upload)}
    return {**record, "job": rows[transfer.upload]} if transfer.upload in rows else record


app.add_typer(asset, name="asset", rich_help_panel=FILES)
