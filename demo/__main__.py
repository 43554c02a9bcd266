"""Process real files with the whole pipeline on this machine and show the result of each.

python -m demo                  the project's own sample files
python -m demo a.jpg b.png      your files
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from client.pipeline import Pipeline
from client.uploads import Upload
from contract.outputs import read_outputs
from demo.contact_sheet import write_contact_sheet
from demo.endings import run
from demo.order import place_order
from demo.outcome import Outcome, verify
from demo.report import progress_table, result_table
from demo.samples import Sample, cached_samples
from localcloud.deployer import deploy
from localcloud.emulator import Emulator
from program.stack_file import read_stack_config

_ROOT = Path(__file__).parent.parent
_BUILD = _ROOT / ".build"
PAGE = _BUILD / "contact-sheet" / "index.html"
_TIMEOUT_SECONDS = 120.0
_PIPED_COLUMNS = 120  # for logs; a terminal has its own width


def main(arguments: Sequence[str]) -> int:
    """Run the demo; 0 when every file ended as expected."""
    parser = argparse.ArgumentParser(
        prog="make demo",
        usage='make demo [FILES="a.jpg b.png"]',
        description="Real files through the real workflow, on this machine.",
    )
    parser.add_argument("files", nargs="*", type=Path, help="your own files instead of the samples")
    paths: list[Path] = parser.parse_args(arguments).files
    for path in paths:
        if not path.is_file():
            parser.error(f"{path} is not a file")
    if len({path.name for path in paths}) < len(paths):
        parser.error("two files have the same name, and the second would become a new version of the first: rename one")

    console = Console(width=None if sys.stdout.isatty() else _PIPED_COLUMNS)
    started = time.monotonic()
    files: list[tuple[str, bytes, Sample | None]] = [(path.name, path.read_bytes(), None) for path in paths]
    if not files:
        # One sample exceeds the stack's limit.
        max_bytes = int(read_stack_config(_ROOT, "local", {}).values["img-pipeline:maxBytes"])
        samples = cached_samples(_BUILD / "samples", max_bytes, lambda step: console.print(f"· {step}"))
        files = [(sample.name, sample.body, sample) for sample in samples]
    console.print("· starting the embedded cloud, IAM enforced")
    with Emulator.start() as cloud:
        with console.status("deploying the local stack") as status:
            outputs = deploy(
                cloud,
                "local",
                progress=lambda kind, name: status.update(f"deploying {kind} {name}"),
            )
        console.print(f"· deployed the local stack to {cloud.endpoint_url} ({time.monotonic() - started:.1f} s)")
        pipeline = Pipeline(stack="local", client=cloud.client, outputs=read_outputs(outputs))
        outcomes = _run(files, pipeline, console)
        verify(outcomes, pipeline)
        order = place_order(outcomes, pipeline)
        page = write_contact_sheet(outcomes, order, pipeline, PAGE.parent)
    console.print("", result_table(outcomes, order, console.width), sep="\n")
    console.print(f"contact sheet: {page}", soft_wrap=True)
    totals = {kind: sum(outcome.kind == kind for outcome in outcomes) for kind in ("completed", "rejected", "failed")}
    totals["tables"] = sum(outcome.rows is not None for outcome in outcomes)
    if order:
        totals["ordered"], totals["fulfilled"] = 1, int(order.kind == "completed")
    counts = " ".join(f"{kind}={count}" for kind, count in totals.items())
    print(f"demo: uploaded={len(outcomes)} {counts} seconds={time.monotonic() - started:.1f}")
    return 1 if any(each.problems for each in (*outcomes, *([order] if order else []))) else 0


def _run(files: Sequence[tuple[str, bytes, Sample | None]], pipeline: Pipeline, console: Console) -> list[Outcome]:
    """Upload every file and wait for its result."""
    for _, _, sample in files:
        if sample and sample.reason_code == "DENYLISTED":
            item = {"sha256": {"S": sample.sha256}, "note": {"S": "demo: a known bad file"}}
            pipeline.client("dynamodb").put_item(TableName=pipeline.outputs.denylist_table, Item=item)
    outcomes: list[Outcome] = []
    with Live(console=console, refresh_per_second=8, get_renderable=lambda: progress_table(outcomes)):
        for name, body, sample in files:
            outcomes.append(
                Outcome(name=name, body=body, upload=pipeline.upload(body, f"uploads/{name}"), sample=sample)
            )
        by_upload = {outcome.upload: outcome for outcome in outcomes}

        def on_change(upload: Upload, row: dict[str, Any]) -> None:
            by_upload[upload].row = row

        pipeline.await_jobs(by_upload, timeout_seconds=_TIMEOUT_SECONDS, on_change=on_change)
    return outcomes


if __name__ == "__main__":
    sys.exit(run("make demo", main, sys.argv[1:]))
