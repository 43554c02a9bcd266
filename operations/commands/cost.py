"""`img-pipeline cost`: what a stack costs a month, what changed settings would, and where the numbers come from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from client.errors import PipelineError
from contract.media import CSV
from contract.renditions import RenditionSpec
from operations.commands.console import out, print_json
from operations.commands.options import DEPLOY, JsonOption, LocalOption, StackOption
from operations.connection import stack_name

TOTAL = "total"
DEFAULT_ORDER = '{"width": 1280, "format": "webp"}'
# Pictures, and the stack without any.
_PARTS_OF_PICTURES = 2

if TYPE_CHECKING:
    from components.settings import Settings
    from operations.cost.estimate import Estimate
    from operations.cost.measurements import Measurements
    from operations.cost.workflow_types import Comparison


@dataclass(frozen=True, kw_only=True)
class Report:
    """Estimates of one or two stacks, the first compared with itself otherwise, and what they were made from."""

    estimates: dict[str, Estimate]
    workflow_types: Comparison
    measured: Measurements
    core_speed: float


def report(
    stack: str,
    *,
    uploads_per_day: float,
    megabytes: float,
    frames: int = 1,
    tables_per_day: float = 0,
    table_megabytes: float = 1,
    orders_per_day: float = 0,
    ordered: Sequence[str] = (),
    changes: Sequence[str] = (),
    against: str | None = None,
    core_speed: float | None = None,
) -> Report:
    """Estimate the cost of a stack, and of another one or of changed settings for comparison.

    Args:
        stack: whose `Pulumi.{stack}.yaml` to read.
        uploads_per_day: accepted pictures.
        megabytes: of each, in 10^6 bytes.
        frames: of each; more than one for animations.
        tables_per_day: accepted tables.
        table_megabytes: of each, in 10^6 bytes.
        orders_per_day: fulfilled orders of pictures of `megabytes`.
        ordered: the renditions of each, as JSON; `DEFAULT_ORDER` if there are none.
        changes: settings to try, as `key=value`.
        against: another stack.
        core_speed: how fast Lambda's core is beside the one that the work was measured on; None for the belief.

    Raises:
        PipelineError: a stack does not exist, or a setting or number is not accepted.
    """
    from operations.cost import estimate  # noqa: PLC0415 - Pulumi takes a second to import
    from operations.cost.bill import Load, OrderLoad  # noqa: PLC0415
    from operations.cost.measurements import load_measurements  # noqa: PLC0415
    from operations.cost.settings import stack_settings  # noqa: PLC0415
    from operations.cost.work import CORE_SPEED  # noqa: PLC0415
    from operations.cost.workflow_types import workflow_types  # noqa: PLC0415

    speed = CORE_SPEED if core_speed is None else core_speed
    if min(megabytes, table_megabytes, frames, speed) <= 0 or min(uploads_per_day, tables_per_day, orders_per_day) < 0:
        raise PipelineError(
            "megabytes, frames and core speed have to be above 0, uploads, tables and orders per day not below"
        )
    load = Load(uploads_per_day=uploads_per_day, megabytes=megabytes, frames=frames)
    tables = Load(uploads_per_day=tables_per_day, megabytes=table_megabytes) if tables_per_day else None
    renditions = [_rendition(text) for text in ordered or [DEFAULT_ORDER]]
    orders = (
        OrderLoad(orders_per_day=orders_per_day, renditions=renditions, megabytes=megabytes) if orders_per_day else None
    )
    measured = load_measurements()
    wanted = {stack: stack_settings(stack)}
    if against:
        wanted[against] = stack_settings(against)
    if changes:
        wanted[f"{stack} with {', '.join(changes)}"] = stack_settings(stack, changes)
    if tables and not any(map(_takes_tables, wanted.values())):
        raise PipelineError(f"{stack} does not process tables: leave out --tables-per-day")
    if orders and not any(settings.has_orders for settings in wanted.values()):
        raise PipelineError(f"{stack} takes no orders: add --set orders.enabled=true, or leave out --orders-per-day")
    return Report(
        estimates={
            name: estimate.estimate(
                settings,
                load,
                measured,
                speed,
                tables=tables if _takes_tables(settings) else None,
                orders=orders if settings.has_orders else None,
            )
            for name, settings in wanted.items()
        },
        workflow_types=workflow_types(wanted[stack], load, measured, speed),
        measured=measured,
        core_speed=speed,
    )


def _takes_tables(settings: Settings) -> bool:
    return bool(settings.transforms_of(CSV.name))


def _rendition(text: str) -> RenditionSpec:
    try:
        return RenditionSpec.from_json(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise PipelineError(f"--ordered {text}: {error}; write {DEFAULT_ORDER}, for example") from None


app = typer.Typer()


@app.command(rich_help_panel=DEPLOY)
def cost(
    *,
    uploads_per_day: Annotated[float, typer.Option(help="Accepted pictures a day; 0 is an idle stack.")],
    megabytes: Annotated[float, typer.Option(help="Size of each, in 10^6 bytes.")],
    frames: Annotated[int, typer.Option(help="Frames of each; more than one for animations.")] = 1,
    tables_per_day: Annotated[float, typer.Option(help="Accepted tables a day.")] = 0,
    table_megabytes: Annotated[float, typer.Option(help="Size of each table, in 10^6 bytes.")] = 1,
    orders_per_day: Annotated[float, typer.Option(help="Orders of renditions a day.")] = 0,
    ordered: Annotated[
        list[str] | None,
        typer.Option(
            metavar="JSON",
            help=f"A rendition of each order; may be repeated.  [default: {escape(DEFAULT_ORDER)}]",
            show_default=False,
        ),
    ] = None,
    stack: StackOption = None,
    local: LocalOption = False,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="A setting to try, such as architecture=x86_64; may be repeated.")
    ] = None,
    against: Annotated[str | None, typer.Option(help="Another stack to put beside it.")] = None,
    core_speed: Annotated[
        float | None, typer.Option(help="How fast Lambda's core is beside the measured one; see the report's end.")
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Every line of the bill, with quantity and price.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Estimate what a stack costs, from its settings, list prices and measured durations. Asks no cloud.

    Example:

    ```
    img-pipeline cost --uploads-per-day 100000 --megabytes 5 --stack prod --set workflowLogLevel=ALL
    img-pipeline cost --uploads-per-day 1000 --megabytes 5 --tables-per-day 1000 --orders-per-day 100 --details
    ```
    """
    result = report(
        stack_name(stack, local=local),
        uploads_per_day=uploads_per_day,
        megabytes=megabytes,
        frames=frames,
        tables_per_day=tables_per_day,
        table_megabytes=table_megabytes,
        orders_per_day=orders_per_day,
        ordered=ordered or (),
        changes=change or (),
        against=against,
        core_speed=core_speed,
    )
    if as_json:
        print_json(_as_json(result))
        return
    for line in _loads(_widest(result)):
        out.print(line, highlight=False)
    out.print()
    out.print(_services(result), soft_wrap=False)
    if len(_widest(result).parts) > _PARTS_OF_PICTURES:
        out.print(_parts(result), soft_wrap=False)
    if details:
        for name, priced in result.estimates.items():
            out.print(_lines(name, priced), soft_wrap=False)
    out.print(_comparison(result.workflow_types), soft_wrap=False)
    out.print(_sources(result))


def _widest(result: Report) -> Estimate:
    """The estimate with most parts, which has those of the others in their order."""
    return max(result.estimates.values(), key=lambda priced: len(priced.parts))


def _loads(priced: Estimate) -> Iterator[str]:
    """What is uploaded and ordered, a line each."""
    for family, load in priced.loads.items():
        frames = f" with {load.frames} frames" if load.frames > 1 else ""
        yield (
            f"{load.uploads_per_day:,.0f} {family} a day of {load.megabytes:g} MB{frames}: "
            f"{load.files / 1e6:g} million files and {load.gigabytes:,.0f} GB a month of 30 days"
        )
    if orders := priced.orders:
        renditions = ", ".join(f"{spec.width} px {spec.format}" for spec in orders.renditions)
        yield f"{orders.orders_per_day:,.0f} orders a day of {renditions}: {orders.orders / 1e6:g} million a month"


def _parts(result: Report) -> Table:
    """Dollars of pictures, tables, orders and the stack without any of them; a month, and for a million of each."""
    table = Table(box=None, pad_edge=False, title="\nwhat for", title_justify="left")
    table.add_column("part", no_wrap=True)
    for name in result.estimates:
        of = f"{name}\n" if len(result.estimates) > 1 else ""
        table.add_column(f"{of}$ per month", justify="right", vertical="bottom", max_width=32)
        table.add_column("$ per million", justify="right", vertical="bottom")
    for part in _widest(result).parts:
        cells: list[str] = []
        for priced in result.estimates.values():
            usd, count = priced.by_part.get(part), priced.counts.get(part)
            cells += ["" if usd is None else _money(usd), _money(usd * 1e6 / count) if usd and count else ""]
        table.add_row(part, *cells)
    return table


def _services(result: Report) -> Table:
    """Dollars by service; of several stacks beside each other, with the difference."""
    table = Table(box=None, pad_edge=False)
    table.add_column("service", no_wrap=True)
    estimates = result.estimates
    if len(estimates) == 1:
        (priced,) = estimates.values()
        for heading in ("$ per million files", "$ per month"):
            table.add_column(heading, justify="right")
        for service, usd in {**priced.by_service, TOTAL: priced.usd}.items():
            per_million = _money(priced.per_million_files(usd)) if priced.files else ""
            table.add_row(service, per_million, _money(usd), style=_row_style(service))
        return table
    for name in estimates:
        table.add_column(f"{name}\n$ per month", justify="right", max_width=32)
    table.add_column("difference", justify="right", vertical="bottom")
    services = dict.fromkeys(service for priced in estimates.values() for service in priced.by_service)
    rows = {
        **{service: [priced.by_service.get(service, 0.0) for priced in estimates.values()] for service in services},
        TOTAL: [priced.usd for priced in estimates.values()],
    }
    if all(priced.files for priced in estimates.values()):
        rows["per million files"] = [priced.per_million_files(priced.usd) for priced in estimates.values()]
    for name, amounts in rows.items():
        table.add_row(name, *map(_money, amounts), f"{amounts[-1] - amounts[0]:+,.2f}", style=_row_style(name))
    return table


def _lines(name: str, priced: Estimate) -> Table:
    table = Table(box=None, pad_edge=False, title=f"\n{name}", title_justify="left", show_lines=False)
    table.add_column("service", no_wrap=True)
    table.add_column("what")
    table.add_column("a month", justify="right", no_wrap=True)
    table.add_column("price", no_wrap=True)
    table.add_column("$ per month", justify="right", no_wrap=True)
    for part, lines in priced.parts.items():
        table.add_row(part, style="bold")
        for line in lines:
            table.add_row(line.service, line.what, f"{line.quantity:,.0f}", str(line.price), _money(line.usd))
    return table


def _comparison(comparison: Comparison) -> Table:
    table = Table(
        box=None,
        pad_edge=False,
        show_header=False,
        title=f"\n{comparison.title}, $ per month",
        title_justify="left",
        caption=comparison.note,
        caption_justify="left",
    )
    table.add_column(min_width=40)
    table.add_column(justify="right", min_width=12)
    table.add_column(min_width=20)
    for option in comparison.options:
        table.add_row(option.name, _money(option.usd), "◀ as set" if option.chosen else "")
    return table


def _sources(result: Report) -> str:
    """Where prices and durations come from, and which of them to doubt."""
    from operations.cost import prices  # noqa: PLC0415

    used = {(line.price, line.service) for priced in result.estimates.values() for line in priced.lines}
    dates = sorted({price.as_of.isoformat() for price, _ in used})
    doubted = [
        f"  {checked}: "
        + "; ".join(sorted(f"{service} {price}" for price, service in used if price.checked is checked))
        for checked in (prices.Checked.SECONDARY, prices.Checked.BELIEVED)
    ]
    measured = result.measured
    return "\n".join(
        [
            f"\nPrices: on demand in {prices.REGION}, {' and '.join(dates)}, first tier, no free tier, no tax; "
            "from AWS's price lists but for",
            *doubted,
            f"Durations: {measured.command}, {measured.date}, on {measured.machine}; a core of Lambda is taken for "
            f"{result.core_speed:g} times as fast (--core-speed).",
            "Storage: what one month adds or, where the lifecycle removes files, the amount stored (--details).",
            "Another setting's price: --set, such as --set malwareScan=true or --set workflowLogLevel=ALL.",
            "Left out: retries, cold starts, rejected files, failed orders, the readers' requests, transfer to the "
            "internet.",
        ]
    )


def _as_json(result: Report) -> dict[str, Any]:
    return {
        "estimates": {
            name: {
                "loads": priced.loads,
                "orders": priced.orders,
                "usdPerMonth": priced.usd,
                "usdPerMillionFiles": priced.per_million_files(priced.usd) if priced.files else None,
                "services": priced.by_service,
                "parts": priced.by_part,
                "lines": [
                    {
                        "part": part,
                        "service": line.service,
                        "what": line.what,
                        "quantity": line.quantity,
                        "usd": line.usd,
                        "price": line.price,
                    }
                    for part, lines in priced.parts.items()
                    for line in lines
                ],
            }
            for name, priced in result.estimates.items()
        },
        "workflowTypes": result.workflow_types,
        "measured": result.measured.model_dump(by_alias=True),
        "coreSpeed": result.core_speed,
    }


def _row_style(row: str) -> str:
    return "bold" if row == TOTAL else ""


def _money(usd: float) -> str:
    return f"{usd:,.2f}"
