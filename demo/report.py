"""The demo's tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from demo.order import PlacedOrder
from demo.outcome import Outcome

_COLUMNS_FOR_STAGES = 112
_STYLES = {"completed": "green", "rejected": "yellow", "failed": "red"}
_STAGES = {"VALIDATED": "validate", "TRANSFORMED": "transform", "PERSISTED": "persist", "PUBLISHED": "publish"}


def progress_table(outcomes: Sequence[Outcome]) -> Table:
    """The status and stage of each file."""
    table = Table(box=None, header_style="bold")
    table.add_column("file", overflow="fold")
    for heading in ("status", "stage", "reason"):
        table.add_column(heading, no_wrap=True)
    for outcome in outcomes:
        row = outcome.row or {}
        moving = "finishedAt" not in row
        style = "cyan" if moving and outcome.status != "FAILED" else _STYLES[outcome.kind]
        stage = str(row.get("stage", "")).lower() if moving else ""
        table.add_row(escape(outcome.name), f"[{style}]{outcome.status.lower()}[/]", stage, outcome.reason_code)
    return table


def result_table(outcomes: Sequence[Outcome], order: PlacedOrder | None, width: int) -> Table:
    """The outcome and duration of each file and of the order; if the terminal is wide enough, also of each stage."""
    stages = _STAGES if width >= _COLUMNS_FOR_STAGES else {}
    table = Table(title="Result of each file and order (times in milliseconds)", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("file", overflow="fold", min_width=20)
    table.add_column("outcome", no_wrap=True)
    table.add_column("reason or rows", no_wrap=True)
    for heading in ("renditions", *stages.values(), "total"):
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in outcomes:
        spent = outcome.stage_milliseconds()
        table.add_row(
            escape(outcome.name),
            f"[{_STYLES[outcome.kind]}]{outcome.status.lower()}[/]",
            outcome.reason_code if outcome.rows is None else f"{outcome.rows:,} rows",
            str(len(outcome.renditions) or ""),
            *(str(spent.get(stage, "")) for stage in stages),
            str(sum(spent.values())),
        )
        _add_problems(table, outcome.problems)
    if order:
        table.add_row(
            escape(order.name),
            f"[{_STYLES[order.kind]}]{order.shown['status'].lower()}[/]",
            order.shown.get("errorCode") or "",
            str(len(order.renditions) or ""),
            *("" for _ in stages),
            str(order.milliseconds or ""),
        )
        _add_problems(table, order.problems)
    return table


def _add_problems(table: Table, problems: Sequence[str]) -> None:
    for problem in problems:
        # Below the name, in the column that folds.
        table.add_row(f"[red]unexpected:[/] {escape(problem)}")
