"""`img-pipeline pause`, `resume` and `drain`: stop and start processing, and show how many uploads are waiting."""

from __future__ import annotations

from typing import Annotated

import typer

from client.errors import PipelineError
from client.ingestion import STOPPED, Backlog, pause_ingestion, pipe_state, resume_ingestion, watch_backlog
from operations.commands.console import (
    confirmed,
    duration,
    end_interrupted,
    err,
    interruption_reported,
    out,
    print_json,
)
from operations.commands.options import OPERATE, JsonOption, LocalOption, StackOption, YesOption
from operations.connection import connect
from operations.interruption import Interruption

app = typer.Typer()


@app.command(rich_help_panel=OPERATE)
def pause(*, stack: StackOption = None, local: LocalOption = False, yes: YesOption = False) -> None:
    """Stop processing uploads; they wait in the transform queue, for up to four days.

    Example: `img-pipeline pause --stack prod --yes`
    """
    pipeline = connect(stack, local=local)
    name = pipeline.outputs.pipe_name
    if not confirmed(f"pause would stop {name}, which is {pipe_state(pipeline)}", yes=yes):
        return
    with interruption_reported(lambda: _unknown_state(name)), err.status(f"stopping {name}"):
        pause_ingestion(pipeline)
    out.print(f"{name} has stopped; uploads wait in the queue until `img-pipeline resume`")


@app.command(rich_help_panel=OPERATE)
def resume(*, stack: StackOption = None, local: LocalOption = False, yes: YesOption = False) -> None:
    """Start processing uploads again.

    Example: `img-pipeline resume --stack prod --yes`
    """
    pipeline = connect(stack, local=local)
    name = pipeline.outputs.pipe_name
    if not confirmed(f"resume would start {name}, which is {pipe_state(pipeline)}", yes=yes):
        return
    with interruption_reported(lambda: _unknown_state(name)), err.status(f"starting {name}"):
        resume_ingestion(pipeline)
    out.print(f"{name} is running; `img-pipeline drain` shows what is waiting")


@app.command(rich_help_panel=OPERATE)
def drain(
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the queue is empty.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two readings.")] = 5,
    stack: StackOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """How many uploads are waiting or being processed, at what rate they decrease, and the time left.

    Example: `img-pipeline drain --wait --stack prod`
    """
    pipeline = connect(stack, local=local)
    backlog = None
    with Interruption() as interruption, err.status("reading the transform queue") as status:
        for readings, backlog in enumerate(watch_backlog(pipeline, clock=interruption, interval_seconds=interval), 1):
            status.update(_backlog_text(backlog))
            if wait and backlog.pipe == STOPPED and backlog.total:
                raise PipelineError(f"{backlog.total} wait and the pipe is stopped: `img-pipeline resume` starts it")
            if not wait and (readings > 1 or not backlog.total):
                break
    if interruption.requested or backlog is None:
        end_interrupted(_backlog_text(backlog) if backlog else "the queue was not read")
    if as_json:
        print_json(
            {
                "pipe": backlog.pipe,
                "waiting": backlog.waiting,
                "inWork": backlog.in_work,
                "perSecond": backlog.per_second,
                "secondsLeft": backlog.seconds_left,
            }
        )
    else:
        out.print(_backlog_text(backlog))
    if wait and backlog.total:
        raise typer.Exit(1)


def _unknown_state(pipe_name: str) -> str:
    return f"{pipe_name} may be changing its state: `img-pipeline drain` shows it"


def _backlog_text(backlog: Backlog) -> str:
    counts = f"pipe {backlog.pipe}: {backlog.waiting} waiting, {backlog.in_work} in progress"
    if not backlog.total:
        return f"{counts}; drained"
    if backlog.per_second is None:
        return counts
    pace = round(backlog.per_second, 1)
    if backlog.seconds_left is None or pace == 0:
        growth = f", {-pace:.1f} more a second" if pace < 0 else ""
        return f"{counts}; not decreasing{growth}"
    return f"{counts}; {pace:.1f} a second, empty in about {duration(backlog.seconds_left)}"
