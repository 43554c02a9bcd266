"""Files that wait in the queue together, and are processed as fast as the embedded cloud can."""

from __future__ import annotations

import functools

from client.pipeline import Row
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
    pipeline = stack.pipeline
    with stack.paused():
        uploads = [
            stack.upload(f"{UPLOADS}{name}/{number}.jpg", _picture(number % _PICTURES)) for number in range(files)
        ]
        queue = pipeline.outputs.transform_queue_url
        eventually(lambda: pipeline.queue_depth(queue) >= files, "the events in the queue", 60)
    rows = pipeline.await_jobs(uploads, timeout_seconds=_TIMEOUT_SECONDS, poll_seconds=_POLL_SECONDS)
    completed = [row for row in rows.values() if row and row["status"] == "COMPLETED"]
    if len(completed) < files:
        failed = [upload.file_key for upload, row in rows.items() if row not in completed]
        raise RuntimeError(f"not completed: {', '.join(failed[:5])}; the machine may be too busy to measure on")
    return completed


@functools.cache
def _picture(seed: int) -> bytes:
    return photograph(seed)
