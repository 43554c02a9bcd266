"""`img-pipeline trace`: everything that is known of one file or order, on one timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Annotated

import typer
from rich.markup import escape

from client.jobs import is_id
from client.order_trace import OrderTrace, trace_order
from client.orders import order_named
from client.pipeline import Pipeline, Row
from client.timeline import Entry
from client.trace import Trace, trace_file
from contract.orders import ORDER_ID
from operations.commands.console import err, out, print_json, print_table
from operations.commands.options import FILES, JsonOption, LocalOption, StackOption
from operations.connection import connect

app = typer.Typer()


@app.command(rich_help_panel=FILES)
def trace(
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="FILEKEY|JOBID|ORDERID",
            help="A file's key, with or without `uploads/`, or the id of a job or an order.",
        ),
    ],
    *,
    version: Annotated[
        str | None, typer.Option(help="The version's id in S3; the newest if left out.", show_default=False)
    ] = None,
    stack: StackOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show everything that happened to one file or order, from the upload to the notification, and where it is now.

    It brings together S3, the job's stages in every attempt, the log lines of every function, renditions, the record
    and the queues; of an order, its row, the workflow that took it, and each attempt to fulfil it.

    Example:

    ```
    img-pipeline trace uploads/cat.jpg --stack prod
    img-pipeline trace 3f2a9c0d5b1e4f60718293a4b5c6d7e8 --stack prod
    ```
    """
    pipeline = connect(stack, local=local)
    with err.status(f"tracing {escape(wanted)}"):
        found = _found(pipeline, wanted, version)
    if isinstance(found, OrderTrace):
        _order_json(found) if as_json else _show_order(found)
    else:
        _file_json(found) if as_json else _show_file(found)


def _found(pipeline: Pipeline, wanted: str, version: str | None) -> Trace | OrderTrace:
    if order := order_named(pipeline, wanted):
        return trace_order(pipeline, order)
    if is_id(wanted):
        job = pipeline.jobs([wanted])[wanted]
        return trace_file(pipeline, job["fileKey"], version or job.get("versionId"))
    return trace_file(pipeline, wanted, version)


def _order_json(found: OrderTrace) -> None:
    order = found.order
    about = {name: order[name] for name in (ORDER_ID, "fileKey", "status")}
    print_json({**about, "attempts": order.get("attempts"), "entries": found.entries, "now": found.now})


def _show_order(found: OrderTrace) -> None:
    order = found.order
    out.print(f"[bold]order {order[ORDER_ID]}[/]  {order['status']}")
    out.print(f"{escape(order['fileKey'])}, version {order.get('versionId', 'none')}\n")
    _show_entries(found.entries, found.now)


def _file_json(found: Trace) -> None:
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
            "orders": [{name: order[name] for name in (ORDER_ID, "status", "createdAt")} for order in found.orders],
        }
    )


def _show_file(found: Trace) -> None:
    status = found.job["status"] if found.job else "no job"
    out.print(f"[bold]{escape(found.upload.file_key)}[/]  {status}")
    out.print(f"version {found.upload.version_id}, job {found.job_id}\n")
    _show_entries(found.entries, found.now)
    if found.other_versions:
        out.print(f"Other versions: {', '.join(found.other_versions)}")
    if found.orders:
        out.print(f"Orders: {', '.join(map(_order_text, found.orders))}")


def _order_text(order: Row) -> str:
    return f"{order[ORDER_ID]} {order['status']}"


def _show_entries(entries: Sequence[Entry], now: Iterable[str]) -> None:
    cells: list[tuple[str, ...]] = []
    for entry in entries:
        passed = (entry.at - entries[0].at).total_seconds()
        what = f"[red]{escape(entry.what)}[/]" if entry.failed else escape(entry.what)
        time = entry.at.astimezone(UTC).isoformat(" ", "milliseconds").removesuffix("+00:00")
        cells.append((time, f"+{passed:.3f}", entry.where, what))
    print_table(("time (UTC)", "seconds", "where", "what"), cells)
    out.print()
    for sentence in now:
        out.print(escape(sentence))
