"""`img-pipeline rerender`: make the renditions of recorded files again."""

from __future__ import annotations

from typing import Annotated

import typer

from client.errors import InvalidRequestError
from client.ingestion import enqueue
from client.rerender import Rerendering, recorded, rerenderings
from contract.events import new_run
from operations.commands.console import confirmed, duration, finish, progress, sending
from operations.commands.options import OPERATE, LocalOption, RateOption, StackOption, YesOption
from operations.connection import connect

app = typer.Typer()


@app.command(rich_help_panel=OPERATE)
def rerender(
    *,
    keys: Annotated[list[str] | None, typer.Argument(metavar="KEY", help="Files by key.")] = None,
    prefix: Annotated[str, typer.Option(help="Every recorded file under this prefix.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every recorded file.")] = False,
    missing_rendition: Annotated[
        str, typer.Option(metavar="NAME", help="Only files without this rendition, for example w2560 or w2560-webp.")
    ] = "",
    rate: RateOption = 20,
    stack: StackOption = None,
    local: LocalOption = False,
    yes: YesOption = False,
) -> None:
    """Make the renditions of recorded files again, after a preset has changed; subscribers are notified again.

    Example: `img-pipeline rerender --all --missing-rendition w2560 --rate 20 --stack prod`
    """
    if sum(map(bool, (keys, prefix, everything))) != 1:
        raise InvalidRequestError("name files by key, or use --prefix, or --all: exactly one of them")
    pipeline, run = connect(stack, local=local), new_run()

    def rows():
        return recorded(pipeline, keys=keys or (), prefix=prefix, missing_rendition=missing_rendition)

    if not yes:
        planned = Rerendering()
        with progress("reading the assets table", None) as on_progress:
            for _ in rerenderings(pipeline, rows(), run, planned):
                on_progress(len(planned.chosen))
        count, seconds = len(planned.chosen), duration(len(planned.chosen) / rate)
        plan = f"rerender would send {count} files in about {seconds}{_left(planned)}"
        if not confirmed(plan, yes=False):
            return
    seen = Rerendering()
    with sending("sending", None) as (interruption, on_progress):
        result = enqueue(
            pipeline,
            "rerender",
            rerenderings(pipeline, rows(), run, seen),
            rate=rate,
            clock=interruption,
            on_progress=on_progress,
            run=run,
            keys=keys,
            prefix=prefix,
            missingRendition=missing_rendition,
        )
    done = f"sent {result.sent} files as run {run}{_left(seen)}"
    finish(
        result,
        f"{done}; follow them with `img-pipeline drain --wait`",
        resume="the command, run again, starts from the first file",
    )


def _left(seen: Rerendering) -> str:
    reasons = ((seen.gone, "their upload was deleted"), (seen.unsafe, "no malware scan found them clean"))
    return "".join(
        f"; {len(keys)} are skipped because {reason}: {', '.join(keys[:3])}" for keys, reason in reasons if keys
    )
