"""`img-pipeline orders`: list orders of renditions, show why they failed, and redrive them."""

from __future__ import annotations

from typing import Annotated

import typer

from client.audit import audited
from client.errors import InvalidRequestError
from client.orders import STATUSES, failed_orders, find_failure, find_order, newest_orders, redrive
from client.pipeline import Row
from contract.orders import ORDER_ID
from operations.commands.console import confirmed, out, print_fields, print_json, print_rows
from operations.commands.job_cells import coloured
from operations.commands.options import OPERATE, JsonOption, LocalOption, StackOption, YesOption, chosen_status
from operations.connection import connect

app = typer.Typer()
orders = typer.Typer(help="Orders of renditions: list, show, failed, redrive.", no_args_is_help=True)
app.add_typer(orders, name="orders", rich_help_panel=OPERATE)

# What a failure repeats of its order.
_OF_ORDER = (ORDER_ID, "owner", "fileKey", "renditions", "reference")

LimitOption = Annotated[int, typer.Option(min=1, max=1000, help="How many.")]


@orders.command("list")
def list_orders(
    *,
    status: Annotated[
        str | None, typer.Option(help=f"Only {', '.join(STATUSES)}.", show_default=False, metavar="STATUS")
    ] = None,
    limit: LimitOption = 20,
    stack: StackOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the newest orders.

    Example: `img-pipeline orders list --status PROCESSING --stack prod`
    """
    wanted = chosen_status(status, STATUSES, "an order")
    rows = newest_orders(connect(stack, local=local), status=wanted, limit=limit)
    headings = ("placed", "status", "tries", "order", "file", "reason")
    print_rows(
        rows, headings, _cells, nothing=f"no orders that are {wanted}" if wanted else "no orders", as_json=as_json
    )


@orders.command("show")
def show_order(
    order_id: Annotated[str, typer.Argument(metavar="ORDERID", help="An order's id.")],
    *,
    stack: StackOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show one order: its status, its renditions, and why it failed if it ever did.

    Example: `img-pipeline orders show 3f2a9c0d5b1e4f60718293a4b5c6d7e8 --stack prod`
    """
    pipeline = connect(stack, local=local)
    order, failure = find_order(pipeline, order_id), find_failure(pipeline, order_id)
    if as_json:
        print_json({**order, "failure": failure})
        return
    hidden = ("existing", "measures", "openId", "requestHash", "expiresAt")
    print_fields(order, first=("status", "code", "reason", "hint"), leave_out=hidden)
    if failure:
        out.print("\nits failure:")
        print_fields({name: value for name, value in failure.items() if name not in _OF_ORDER}, first=("status",))


@orders.command("failed")
def list_failed(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those that are redriven or closed too.")] = False,
    limit: LimitOption = 100,
    stack: StackOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the orders that failed at every attempt, with their causes; the latest first.

    Example: `img-pipeline orders failed --stack prod`
    """
    pipeline = connect(stack, local=local)
    rows = failed_orders(pipeline, limit=limit, **({"status": None} if everything else {}))
    headings = ("failed", "state", "tries", "order", "cause")
    print_rows(rows, headings, _failure_cells, nothing="no failed orders", as_json=as_json)


@orders.command("redrive")
def redrive_orders(
    order_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ORDERID", help="Orders; with --all every failed one.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every order that `orders failed` lists.")] = False,
    stack: StackOption = None,
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Have failed orders tried again. An order is fulfilled once, however often it is redriven.

    Example:

    ```
    img-pipeline orders redrive 3f2a9c0d5b1e4f60718293a4b5c6d7e8 --stack prod
    img-pipeline orders redrive --all --stack prod --yes
    ```
    """
    if bool(order_ids) == everything:
        raise InvalidRequestError("name the orders to redrive, or --all; not both")
    pipeline = connect(stack, local=local)
    wanted = order_ids or [row[ORDER_ID] for row in failed_orders(pipeline, limit=1000)]
    if not wanted:
        out.print("no failed orders")
    elif confirmed(f"redrive would queue {len(wanted)} orders again", yes=yes):
        with audited(pipeline, "orders redrive", orders=wanted) as action:
            action.counts = {"redriven": 0, "closed": 0}
            for order_id in wanted:
                is_queued = redrive(pipeline, order_id)
                action.counts["redriven" if is_queued else "closed"] += 1
                done = f"queued {order_id}" if is_queued else f"closed {order_id}: the order is no longer kept"
                out.print(done, markup=False)


def _failure_cells(row: Row) -> tuple[str, ...]:
    return row["failedAt"], row["status"], str(row["attempts"]), row[ORDER_ID], row["code"]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row["createdAt"],
        coloured(row["status"]),
        str(row.get("attempts", "")),
        row[ORDER_ID],
        row["fileKey"],
        row.get("code", ""),
    )
