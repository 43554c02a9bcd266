"""`img-pipeline trace`: everything that is known of one file, on one timeline."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

import typer
from rich.markup import escape

from client.trace import Trace, trace_file
from operations.commands.console import err, out, print_json, print_table
from operations.commands.options import FILES, JsonOption, LocalOption, StackOption
from operations.connection import connect

app = typer.Typer()


@app.command(rich_help_panel=FILES)
def trace(
    name: Annotated[str, typer.Argument(metavar="FILEKEY", help="The file's key, with or without `uploads/`.")],
    *,
    version: Annotated[
        str | None, typer.Option(help="The version's id in S3; the newest if left out.", show_default=False)
    ] = None,
    stack: StackOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show everything that happened to one file, from the upload to the notification, and where it is now.

    It brings together S3, the job's stages in every attempt, the log lines of every function, renditions, the record
    and the queues.

    Example: `img-pipeline trace uploads/cat.jpg --stack prod`
    """
    pipeline = connect(stack, local=local)
    with err.status(f"tracing {escape(name)}"):
        found = trace_file(pipeline, name, version)
    if as_json:
        print_json(
            {
                "bucket": found.upload.bucket,
                "fileKey": found.upload.file_key,
                "versionId": found.upload.version_id,
                "jobId": found.job_id,
                "status": found.job["status"] if found.job else None,
                "entries": found.entries,
                "now": found.now,
                "otherVersions": found.other_versions,
            }
        )
    else:
        _show(found)


def _show(found: Trace) -> None:
    status = found.job["status"] if found.job else "no job"
    out.print(f"[bold]{escape(found.upload.file_key)}[/]  {status}")
    out.print(f"version {found.upload.version_id}, job {found.job_id}\n")
    cells: list[tuple[str, ...]] = []
    for entry in found.entries:
        passed = (entry.at - found.entries[0].at).total_seconds()
        what = f"[red]{escape(entry.what)}[/]" if entry.failed else escape(entry.what)
        time = entry.at.astimezone(UTC).isoformat(" ", "milliseconds").removesuffix("+00:00")
        cells.append((time, f"+{passed:.3f}", entry.where, what))
    print_table(("time (UTC)", "seconds", "where", "what"), cells)
    out.print()
    for sentence in found.now:
        out.print(escape(sentence))
    if found.other_versions:
        out.print(f"Other versions: {', '.join(found.other_versions)}")
