"""`img-pipeline logs`: what the functions logged about one file or order."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

import typer
from rich.markup import escape

from client.logs import logs_of_file, logs_of_order
from client.orders import order_named
from operations.commands.console import err, out, print_json, print_table
from operations.commands.options import FILES, JsonOption, LocalOption, StackOption
from operations.connection import connect

app = typer.Typer()


@app.command(rich_help_panel=FILES)
def logs(
    wanted: Annotated[
        str, typer.Argument(metavar="FILEKEY|JOBID|ORDERID", help="A file's key, or the id of a job or an order.")
    ],
    *,
    stack: StackOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show every line that the functions logged about one file or order, including tracebacks, ordered by time.

    Lines after `?` come from an invocation that names none, as a handler's own output does; they were logged while the
    file or order was processed.

    Example: `img-pipeline logs uploads/cat.jpg --stack prod`
    """
    pipeline = connect(stack, local=local)
    with err.status("searching the functions' logs"):
        order = order_named(pipeline, wanted)
        lines = logs_of_order(pipeline, order) if order else logs_of_file(pipeline, wanted)
    if as_json:
        print_json(lines)
        return
    cells = [
        (
            line.at.astimezone(UTC).isoformat(" ", "milliseconds").removesuffix("+00:00"),
            line.function,
            escape(line.text if line.named else f"? {line.text}"),
        )
        for line in lines
    ]
    if cells:
        print_table(("time (UTC)", "function", "line"), cells)
    else:
        out.print("no function has logged anything about it; lines arrive within a minute; old lines are deleted")
