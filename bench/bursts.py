"""Files that wait in the queue together, and are processed as fast as the embedded cloud can."""

from __future__ import annotations

from client.pipeline import Row
from contract.jobs import JobStatus
from contract.keys import UPLOADS
from testing.pictures import photograph
from testing.stack import Stack
from testing.waiting import eventually

_TIMEOUT_SECONDS = 600
# Each reading is work of the cloud that is measured.
_POLL_SECONDS = 0.5


def process_burst(stack: Stack, name: str, files: int) -> list[Row]:
    """Upload a small photograph again and again while the pipe is stopped, start it, and wait until all are processed.

    Args:
        stack: where.
        name: the folder of their keys.
        files: how many.

    Returns:
        The rows of their jobs.

    Raises:
        RuntimeError: a file is not completed in time.
    """
    pipeline, folder, picture = stack.pipeline, f"{UPLOADS}{name}/", photograph()
    with stack.paused():
        uploads = [stack.upload(f"{folder}{number}.jpg", picture) for number in range(files)]
        queue = pipeline.outputs.transform_queue_url
        eventually(lambda: pipeline.queue_depth(queue) >= files, "the events in the queue", 60)
    found = pipeline.await_jobs(
        uploads, timeout_seconds=_TIMEOUT_SECONDS, poll_seconds=_POLL_SECONDS, is_over=_is_completed
    )
    rows = [row for row in found.values() if row and _is_completed(row)]
    if len(rows) < files:
        raise RuntimeError(f"{files - len(rows)} of {files} files in {folder} are not completed; is the machine busy?")
    return rows


def _is_completed(row: Row) -> bool:
    """Unlike a failed attempt, which is repeated."""
    return row["status"] == JobStatus.COMPLETED
