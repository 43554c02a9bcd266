"""`img-pipeline backfill`: process files that are already in the ingest bucket."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from client.audit import audited
from client.backfill import Found, check_prefix, follow, missing, start
from client.ingestion import enqueue
from client.pipeline import Pipeline
from contract.events import new_run
from operations.commands.console import (
    confirmed,
    duration,
    end_interrupted,
    finish,
    interruption_reported,
    out,
    progress,
    sending,
)
from operations.commands.options import OPERATE, LocalOption, RateOption, StackOption, YesOption
from operations.connection import connect
from operations.interruption import Interruption

# The maximum that the command sends itself; for more files, the stack has a state machine.
DEFAULT_LIMIT = 10_000

app = typer.Typer()


@app.command(rich_help_panel=OPERATE)
def backfill(
    *,
    prefix: Annotated[str, typer.Option(help="Files under this prefix of the ingest bucket.")],
    force: Annotated[bool, typer.Option("--force", help="Process finished files again too.")] = False,
    rate: RateOption = 50,
    limit: Annotated[int, typer.Option(min=1, help="The maximum number of files to send.")] = DEFAULT_LIMIT,
    after: Annotated[str, typer.Option(metavar="KEY", help="Only files whose keys sort after this one.")] = "",
    here: Annotated[
        bool,
        typer.Option("--here", help="Send them from this machine, even if the stack has a backfill state machine."),
    ] = False,
    stack: StackOption = None,
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Process files that are already in the ingest bucket, unless they are finished.

    With the setting `backfill.enabled`, a state machine of the stack does it, for any number of files.

    Example: `img-pipeline backfill --prefix uploads/2025/ --rate 50 --stack prod`
    """
    pipeline = connect(stack, local=local)
    if pipeline.outputs.backfill_arn and not here:
        _by_machine(pipeline, prefix, force=force, yes=yes)
        return
    if not yes:
        planned = Found()
        with progress(f"listing {prefix}", None) as on_progress:
            for _ in islice(missing(pipeline, prefix, force=force, after=after, seen=planned), limit):
                on_progress(planned.found)
        seconds = duration(len(planned.chosen) / rate)
        plan = f"backfill would send {len(planned.chosen)}{_of(planned)} in about {seconds}{_bound(planned, limit)}"
        if not confirmed(plan, yes=False):
            return
    found = Found()
    with sending("sending", None) as (interruption, on_progress):
        result = enqueue(
            pipeline,
            "backfill",
            islice(missing(pipeline, prefix, force=force, after=after, seen=found), limit),
            rate=rate,
            clock=interruption,
            on_progress=on_progress,
            prefix=prefix,
            force=force,
        )
    settled = [after, *found.chosen][result.settled]
    finish(
        result,
        f"sent {result.sent}{_of(found)}{_bound(found, limit)}; follow them with `img-pipeline drain --wait`",
        resume=f"continue with --after {settled!r}" if settled else "run the command again to continue",
    )


def _of(found: Found) -> str:
    unscanned = f", {found.unscanned} are not scanned yet" if found.unscanned else ""
    return f" of {found.found} files ({found.finished} are finished{unscanned})"


def _bound(found: Found, limit: int) -> str:
    if len(found.chosen) < limit:
        return ""
    return f"; that is --limit, continue with --after {found.chosen[-1]!r}"


def _by_machine(pipeline: Pipeline, prefix: str, *, force: bool, yes: bool) -> None:
    check_prefix(prefix)
    arn = pipeline.outputs.backfill_arn
    if not confirmed(f"backfill would start {arn} for {prefix}", yes=yes):
        return
    with interruption_reported(lambda: "the backfill, once started, continues"), Interruption() as interruption:
        with audited(pipeline, "backfill", machine=arn, prefix=prefix, force=force) as performed:
            execution = start(pipeline, prefix, run=new_run() if force else "")
            performed.counts = {"execution": execution}
        out.print(f"started {execution}; Ctrl-C ends this command, not the backfill")
        with progress("sending", None) as on_progress:
            report = follow(pipeline, execution, clock=interruption, on_progress=on_progress)
    if interruption.requested:
        end_interrupted(f"{report}; the backfill continues as {execution}")
    out.print(report)
