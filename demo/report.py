"""The demo's tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from demo.outcome import Outcome

_STYLES = {"completed": "green", "rejected": "yellow", "failed": "red"}
_STAGES = ("VALIDATED", "TRANSFORMED", "PERSISTED", "PUBLISHED")


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
    table = Table(title="What became of each file", header_style="bold")
    for heading in ("file", "outcome", "reason code"):
        table.add_column(heading, no_wrap=heading != "file")
    table.add_column("renditions", justify="right")
    for stage in (*_STAGES, "total"):
        table.add_column(f"{stage.lower()} ms", justify="right")
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
