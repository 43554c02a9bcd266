"""A rehearsed incident: a bad release fails every file; the operator finds the cause, fixes it and replays the files.

python -m demo.night_shift [FILES]
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from client.pipeline import Pipeline
from client.uploads import Upload
from contract.names import TRANSFORM, dead_letter_queue
from contract.outputs import read_outputs
from demo import scenes
from demo.endings import run
from localcloud.announcement import LocalCloud, separate_local_state
from localcloud.deployer import deploy
from localcloud.emulator import Emulator
from localcloud.rehearsal import Pager, release

FILES = 200
REPLAY_RATE = 20
TIMEOUT_SECONDS = 900
Found = TypeVar("Found")
_EXECUTABLE = Path(sys.executable).with_name("img-pipeline")


def main(arguments: Sequence[str]) -> int:
    """Run the incident; 0 if every file failed, was replayed and completed, with one notification each."""
    parser = argparse.ArgumentParser(prog="python -m demo.night_shift", description="A rehearsed incident.")
    parser.add_argument("files", nargs="?", type=int, default=FILES, help=f"how many to upload (default {FILES})")
    count: int = parser.parse_args(arguments).files
    console = Console(width=None if sys.stdout.isatty() else 120)
    started = time.monotonic()

    def step(text: str) -> None:
        console.print(f"\n[bold]{time.monotonic() - started:5.0f} s  {text}[/]", highlight=False)

    # On AWS each of five attempts waits for the visibility timeout; here two attempts, a second apart, save time.
    with separate_local_state(), Emulator.start(pipe_retry_seconds=1) as cloud:
        outputs = deploy(cloud, "local", {"maxReceiveCount": 2})
        pipeline = Pipeline(stack="local", client=cloud.client, outputs=read_outputs(outputs))
        with LocalCloud(endpoint_url=cloud.endpoint_url, region=cloud.region, outputs=outputs).announced():
            uploads = _cause_incident(cloud, pipeline, count, console, step)
            failed = _dead_letters(pipeline)
            rows = _recover(pipeline, uploads, console, step)
            replayed = failed - _dead_letters(pipeline)

        completed = sum(row is not None and row["status"] == "COMPLETED" for row in rows.values())
        notifications = Counter(
            message["jobId"] for url in outputs["resultsQueueUrls"].values() for message in pipeline.take_messages(url)
        )
        lost = sum(notifications[upload.job_id] == 0 or pipeline.asset(upload.file_key) is None for upload in uploads)
        doubled = sum(notifications[upload.job_id] > 1 for upload in uploads)
    print(
        f"night-shift: failed={failed} replayed={replayed} completed={completed} lost={lost} doubled={doubled} "
        f"seconds={time.monotonic() - started:.0f}"
    )
    return 0 if failed == replayed == completed == count and not lost and not doubled else 1


def _cause_incident(
    cloud: Emulator, pipeline: Pipeline, count: int, console: Console, step: Callable[[str], None]
) -> list[Upload]:
    """Deploy a bad release, upload `count` files, and wait for the alarm and for all messages in the DLQ."""
    pager = Pager.on(cloud, pipeline.outputs.alert_topic_arn)
    step("A bad release of watermark is deployed, and files are uploaded")
    release(cloud, pipeline.outputs.function_names["watermark"], {"SETTINGS": "{"})
    uploads = _upload(pipeline, count)
    alarm = _wait(lambda: pager.alarm(dead_letter_queue(TRANSFORM)), console, "waiting for the paging alarm")
    step(f"An alarm pages: {alarm['AlarmName']}")
    console.print(alarm["AlarmDescription"], highlight=False, markup=False)
    _wait(lambda: _dead_letters(pipeline) == count, console, "waiting for the last messages in the dead-letter queue")
    return uploads


def _recover(
    pipeline: Pipeline, uploads: Sequence[Upload], console: Console, step: Callable[[str], None]
) -> Mapping[Upload, dict[str, Any] | None]:
    """Find the cause, deploy the fix and replay the dead letters, with `img-pipeline`; return each file's job row."""
    step("What failed, and why?")
    _command(console, "dlq", "list", "--local")
    _command(console, "dlq", "show", "transform", "--local")
    step("One cause: the release. Deploy the program again")
    _command(console, "deploy", "--stack", "local", "--yes")
    step("Replay the dead letters at a limited rate")
    _command(console, "dlq", "replay", "transform", "--all", "--rate", str(REPLAY_RATE), "--yes", "--local")
    with console.status("waiting for the replayed files"):
        rows = pipeline.await_jobs(uploads, timeout_seconds=TIMEOUT_SECONDS, poll_seconds=1)
    step("Trace one of the files")
    _command(console, "trace", uploads[0].file_key, "--local")
    return rows


def _upload(pipeline: Pipeline, count: int) -> list[Upload]:
    photographs = [_photograph(seed) for seed in range(10)]
    with ThreadPoolExecutor(8) as pool:
        return list(
            pool.map(
                lambda number: pipeline.upload(
                    photographs[number % len(photographs)], f"uploads/night/{number:03}.jpg"
                ),
                range(count),
            )
        )


def _photograph(seed: int) -> bytes:
    buffer = io.BytesIO()
    scenes.landscape((240, 160), scenes.NOON, seed).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _dead_letters(pipeline: Pipeline) -> int:
    return pipeline.queue_depth(pipeline.outputs.transform_dlq_url)


def _wait(find: Callable[[], Found | None], console: Console, what: str) -> Found:
    """Call `find` once a second until it returns a true value."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    with console.status(what):
        while time.monotonic() < deadline:
            if found := find():
                return found
            time.sleep(1)
    raise TimeoutError(f"{what}: nothing happened in {TIMEOUT_SECONDS} seconds")


def _command(console: Console, *arguments: str) -> None:
    """Print and run a command of `img-pipeline`."""
    console.print(f"$ img-pipeline {' '.join(arguments)}", style="cyan", highlight=False)
    sys.stdout.flush()
    environment = {**os.environ, "COLUMNS": str(console.width)}
    subprocess.run([_EXECUTABLE, *arguments], check=True, env=environment)  # noqa: S603 - our own, fixed arguments


if __name__ == "__main__":
    sys.exit(run("make night-shift", main, sys.argv[1:]))
