"""`img-pipeline doctor`: checks of a deployed stack, and a real file of each family through its workflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape

from operations.commands.console import err, interruption_reported, out, print_json
from operations.commands.options import OPERATE, JsonOption, LocalOption, StackOption
from operations.connection import connect
from operations.doctor.diagnosis import CHECKS, SEVERITY, Result, diagnose
from operations.doctor.findings import Status
from operations.doctor.smoke_test import PREFIX

_SIGNS = {Status.OK: "[green]ok  [/]", Status.WARN: "[yellow]warn[/]", Status.FAIL: "[red]FAIL[/]"}
# More findings of one check than this, such as one for each function, are counted.
_FEW = 2


app = typer.Typer()


@app.command(rich_help_panel=OPERATE)
def doctor(
    *,
    stack: StackOption = None,
    local: LocalOption = False,
    smoke: Annotated[bool, typer.Option(help="Process a small file of each family and remove them again.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Check a deployed stack for problems, and process one real file.

    Exits with 1 if a check fails; a warning does not fail. Only the file is written, and removed again.

    Example: `img-pipeline doctor --stack prod --no-smoke`
    """
    pipeline = connect(stack, local=local)
    results: list[Result] = []
    with interruption_reported(lambda: _so_far(results, smoke)), err.status(f"checking {pipeline.stack}…") as progress:
        for result in diagnose(pipeline, smoke_test=smoke):
            results.append(result)
            done = len(results)
            progress.update(f"{done} of {len(CHECKS) + smoke} checks done" if done < len(CHECKS) else "smoke test…")
            if not as_json:
                _show(result)
    if as_json:
        print_json([{"status": each.status, "check": each.check, "findings": each.findings} for each in results])
    else:
        counts = {status: sum(result.status is status for result in results) for status in SEVERITY}
        out.print(f"\n{counts[Status.OK]} ok, {counts[Status.WARN]} with warnings, {counts[Status.FAIL]} failed")
    if any(result.status is Status.FAIL for result in results):
        raise typer.Exit(1)


def _so_far(results: Sequence[Result], smoke: bool) -> str:
    done = f"{len(results)} of {len(CHECKS) + smoke} checks are done"
    left = f"; the smoke test's file may still be under {PREFIX}" if len(results) == len(CHECKS) else ""
    return done + left


def _show(result: Result) -> None:
    """Print one line for each passed check, and two for each problem: what was found and what to do."""
    if result.status is Status.OK:
        found = [finding.found for finding in result.findings]
        out.print(
            _line(Status.OK, result.check, "; ".join(found) if len(found) <= _FEW else f"all {len(found)} passed")
        )
    for finding in result.findings:
        if finding.status is not Status.OK:
            out.print(_line(finding.status, result.check, finding.found))
            out.print(f"{'':26}→ {escape(finding.advice)}")


def _line(status: Status, check: str, found: str) -> str:
    return f"{_SIGNS[status]}  {check:18}  {escape(found)}"
