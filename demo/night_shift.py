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
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

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
PATIENCE_SECONDS = 900
Found = TypeVar("Found")
_COMMAND = Path(sys.executable).with_name("img-pipeline")


def main(arguments: Sequence[str]) -> int:
    """Run the shift; 0 when every file failed, was replayed and completed, none lost and none doubled."""
    parser = argparse.ArgumentParser(prog="python -m demo.night_shift", description="An incident, recorded.")
    parser.add_argument("files", nargs="?", type=int, default=FILES, help=f"how many to upload (default {FILES})")
    count: int = parser.parse_args(arguments).files
    console = Console(width=None if sys.stdout.isatty() else 120)
    started = time.monotonic()

    def say(step: str) -> None:
        console.print(f"\n[bold]{time.monotonic() - started:5.0f} s  {step}[/]", highlight=False)

    # On AWS a failed message waits for its visibility timeout, and five times; this night has to end before morning.
    with separate_local_state(), Emulator.start(pipe_retry_seconds=1) as cloud:
        outputs = deploy(cloud, "local", {"maxReceiveCount": 2})
        pipeline = Pipeline(stack="local", client=cloud.client, outputs=read_outputs(outputs))
        pager = Pager.on(cloud, outputs["alertTopicArn"])
        with LocalCloud(endpoint_url=cloud.endpoint_url, region=cloud.region, outputs=outputs).announced():
            say("A bad release of watermark goes out, and the evening's uploads come in")
            release(cloud, outputs["functionNames"]["watermark"], {"SETTINGS": "{"})
            uploads = _upload(pipeline, count)

            alarm = _wait(lambda: pager.alarm(dead_letter_queue(TRANSFORM)), console, "waiting for the pager")
            say(f"An alarm pages: {alarm['AlarmName']}")
            console.print(alarm["AlarmDescription"], highlight=False, markup=False)
            _wait(lambda: _kept(pipeline) == count, console, "the queue gives up on the last files")
            failed = _kept(pipeline)

            say("What failed, and why?")
            _type(console, "dlq", "list", "--local")
            _type(console, "dlq", "show", "transform", "--local")
            say("One cause: the release. Deploy what the program says")
            _type(console, "deploy", "--stack", "local", "--yes")
            say("Replay what was kept, gently")
            _type(console, "dlq", "replay", "transform", "--all", "--rate", str(REPLAY_RATE), "--yes", "--local")
            replayed = failed - _kept(pipeline)
            with console.status("the files go through"):
                rows = pipeline.await_jobs(uploads, timeout_seconds=PATIENCE_SECONDS, poll_seconds=1)
            say("What happened to one of them?")
            _type(console, "trace", uploads[0].file_key, "--local")

        completed = sum(row is not None and row["status"] == "COMPLETED" for row in rows.values())
        told = Counter(
            message["jobId"] for url in outputs["resultsQueueUrls"].values() for message in pipeline.take_messages(url)
        )
        lost = sum(told[upload.job_id] == 0 or pipeline.asset(upload.file_key) is None for upload in uploads)
        doubled = sum(told[upload.job_id] > 1 for upload in uploads)
    print(
        f"night-shift: failed={failed} replayed={replayed} completed={completed} lost={lost} doubled={doubled} "
        f"seconds={time.monotonic() - started:.0f}"
    )
    return 0 if failed == replayed == completed == count and not lost and not doubled else 1


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


def _kept(pipeline: Pipeline) -> int:
    return pipeline.queue_depth(pipeline.outputs.transform_dlq_url)


def _wait(find: Callable[[], Found | None], console: Console, what: str) -> Found:
    """Call `find` once a second until it returns something true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with console.status(what):
        while time.monotonic() < deadline:
            if found := find():
                return found
            time.sleep(1)
    raise TimeoutError(f"{what}: nothing happened in {PATIENCE_SECONDS} seconds")


def _type(console: Console, *arguments: str) -> None:
    """Run a command of the operator's command line as one types it."""
    console.print(f"$ img-pipeline {' '.join(arguments)}", style="cyan", highlight=False)
    sys.stdout.flush()
    environment = {**os.environ, "COLUMNS": str(console.width)}
    subprocess.run([_COMMAND, *arguments], check=True, env=environment)  # noqa: S603 - our own, fixed arguments


if __name__ == "__main__":
    sys.exit(run("make night-shift", main, sys.argv[1:]))
