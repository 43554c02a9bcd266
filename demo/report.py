"""The demo's tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from demo.outcome import Outcome

_STYLES = {"completed": "green", "rejected": "yellow", "failed": "red"}
_STAGES = {"VALIDATED": "validate", "TRANSFORMED": "transform", "PERSISTED": "persist", "PUBLISHED": "publish"}


def progress_table(outcomes: Sequence[Outcome]) -> Table:
    """Where each file is now."""
    table = Table("file", "status", "stage", "reason", box=None, header_style="bold")
    for outcome in outcomes:
        row = outcome.row or {}
        moving = "finishedAt" not in row
        style = "cyan" if moving and outcome.status != "FAILED" else _STYLES[outcome.kind]
        stage = str(row.get("stage", "")).lower() if moving else ""
        table.add_row(escape(outcome.name), f"[{style}]{outcome.status.lower()}[/]", stage, outcome.reason_code)
    return table


def result_table(outcomes: Sequence[Outcome]) -> Table:
    """How each file ended, and the milliseconds each stage took."""
    table = Table(title="What became of each file (stages in milliseconds)", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("file", overflow="fold", min_width=16)
    table.add_column("outcome", no_wrap=True)
    table.add_column("reason code", no_wrap=True)
    for heading in ("renditions", *_STAGES.values(), "total"):
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in outcomes:
        spent = outcome.stage_milliseconds()
        table.add_row(
            escape(outcome.name),
            f"[{_STYLES[outcome.kind]}]{outcome.status.lower()}[/]",
            outcome.reason_code,
            str(len(outcome.renditions) or ""),
            *(str(spent.get(stage, "")) for stage in _STAGES),
            str(sum(spent.values())),
        )
        for problem in outcome.problems:
            table.add_row("", f"[red]unexpected:[/] {escape(problem)}")
    return table
