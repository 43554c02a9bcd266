"""Files that wait in the queue together, and are processed as fast as the embedded cloud can."""

from __future__ import annotations

import functools

from client.pipeline import Row
from contract.jobs import JobStatus
from contract.keys import UPLOADS
from testing.pictures import photograph
from testing.stack import Stack
from testing.waiting import eventually

_PICTURES = 8
_TIMEOUT_SECONDS = 600
# Each reading is work of the cloud that is measured.
_POLL_SECONDS = 0.5


def process_burst(stack: Stack, name: str, files: int) -> list[Row]:
    """Upload small photographs while the pipe is stopped, start it, and wait until all are processed.

    Args:
        stack: where.
        name: the folder of their keys.
        files: how many.

    Returns:
        The rows of their jobs.

    Raises:
        RuntimeError: a file is not completed in time.
    """
    pipeline, folder = stack.pipeline, f"{UPLOADS}{name}/"
    with stack.paused():
        uploads = [stack.upload(f"{folder}{number}.jpg", _picture(number % _PICTURES)) for number in range(files)]
        queue = pipeline.outputs.transform_queue_url
        eventually(lambda: pipeline.queue_depth(queue) >= files, "the events in the queue", 60)
    rows = pipeline.await_jobs(uploads, timeout_seconds=_TIMEOUT_SECONDS, poll_seconds=_POLL_SECONDS).values()
    completed = [row for row in rows if row and row["status"] == JobStatus.COMPLETED]
    if len(completed) < files:
        raise RuntimeError(
            f"{files - len(completed)} of {files} files in {folder} are not completed; is the machine too busy?"
        )
    return completed


_picture = functools.cache(photograph)
