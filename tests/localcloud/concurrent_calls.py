"""Calls of an HTTP API at the same time, and how many processes answer them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.localcloud.workbench import HttpApi


def waits_for_others(folder: Path, number: int) -> str:
    """A function that returns its process's id once so many processes have called it."""
    return f"""
        import os, pathlib, time
        def handler(event, context):
            folder, deadline = pathlib.Path({str(folder)!r}), time.monotonic() + 25
            (folder / str(os.getpid())).touch()
            while len(list(folder.iterdir())) < {number} and time.monotonic() < deadline:
                time.sleep(0.02)
            return {{"statusCode": 200, "body": str(os.getpid())}}
    """


def processes_of(api: HttpApi, calls: int) -> int:
    """How many processes answer so many calls at the same time."""
    with ThreadPoolExecutor(calls) as pool:
        answers = list(pool.map(lambda _: api.get(), range(calls)))
    assert {status for status, _ in answers} == {200}, answers
    return len({body for _, body in answers})
