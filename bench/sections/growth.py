"""Thousands of files in one embedded stack, and clients of its API all at once: what grows, and what stays."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.api_clients import Crowd, latencies
from bench.machine import measured_here
from contract.keys import UPLOADS
from testing.pictures import photograph
from testing.stack import Stack, deployed_stack

TITLE = "Growth"
SIZES = (100, 1_000, 5_000)
"""Files in the stack, at which it is measured."""
CLIENTS = (1, 10, 50)
"""Clients of the API at once."""
TOLERANCE = 0.10
"""How much longer a file may take where it takes longest than where it takes shortest."""

_WARM_UP, _PARALLEL_UPLOADS = 20, 4
_TIMEOUT_SECONDS = 3600
_API_SECONDS = 20
_MEGABYTE = 1 << 20
# The short name of a worker's function, in its environment.
_FUNCTION = re.compile(r"AWS_LAMBDA_FUNCTION_NAME=[^\0]*-(\w+)\0")


def measure(sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """Upload to each size in turn, and wait for every file; then have the API's clients upload in another stack.

    Args:
        sizes: numbers of files, each larger than the one before.
    """
    with deployed_stack() as stack:
        _process(stack, range(_WARM_UP), "warm-up")
        stages, done = [], 0
        for size in sizes:
            seconds = _process(stack, range(done, size), "file")
            memory = memory_mb(stack.cloud.server_process_id)
            stages.append({"files": size, "more": size - done, "seconds": round(seconds, 1), "memoryMb": memory})
            done = size
        recorded = sum(1 for _ in stack.pipeline.scan_assets(UPLOADS))
    return {
        **measured_here(),
        "stages": stages,
        "recorded": recorded - _WARM_UP,
        "api": [_clients(clients) for clients in CLIENTS],
    }


def _process(stack: Stack, numbers: Sequence[int], name: str) -> float:
    """Upload a small photograph under so many keys at once, and wait until all are processed; the seconds it took."""
    picture, started = photograph(), time.monotonic()
    with ThreadPoolExecutor(_PARALLEL_UPLOADS) as pool:
        list(pool.map(lambda number: stack.pipeline.upload(picture, f"{UPLOADS}{name}-{number}.jpg"), numbers))
    stack.await_idle(_TIMEOUT_SECONDS)
    return time.monotonic() - started


def memory_mb(server: int) -> dict[str, list[int]]:
    """The resident memory of the cloud's server, and of each worker of each function.

    Args:
        server: the server's process id, which is that of the process group too (Linux).
    """
    found: dict[str, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The group is the third field after the name, which is in parentheses ("proc_pid_stat(5)").
            group = int((folder / "stat").read_text().rpartition(")")[2].split()[2])
            if group != server:
                continue
            function = _FUNCTION.search((folder / "environ").read_text())
            pages = int((folder / "statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        name = "cloud" if folder.name == str(server) else function[1] if function else "other"
        found.setdefault(name, []).append(round(pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE))
    return {name: sorted(each) for name, each in sorted(found.items())}


def _clients(clients: int) -> dict[str, Any]:
    """So many clients that upload and poll for a while: the latency of each route, and what was lost."""
    with deployed_stack(api={"auth": "jwt"}) as stack:
        crowd = Crowd(stack=stack)
        first = crowd.run(clients, lambda done: done < 1)  # workers start
        crowd.calls.clear()
        until = time.monotonic() + _API_SECONDS
        uploaded = crowd.run(clients, lambda _: time.monotonic() < until)
        routes = latencies(crowd.calls)
        wrong = crowd.unaccounted([*first, *uploaded])
        return {"clients": clients, "files": len(uploaded), "routes": routes, "unaccounted": len(wrong)}


def spread(stages: Sequence[Mapping[str, Any]]) -> float:
    """How much longer a file takes in the slowest stage than in the fastest, as a share."""
    rates = [each["seconds"] / each["more"] for each in stages]
    return max(rates) / min(rates) - 1


def markdown(measured: dict[str, Any]) -> str:
    """The section's text."""
    return "\n".join(_lines(measured))


def _lines(measured: Mapping[str, Any]) -> Iterator[str]:
    stages = measured["stages"]
    yield f"Measured on {measured['date']}: {measured['machine']}. Photographs of 480 by 320 pixels, each with eight"
    yield "renditions, a watermark and metadata, uploaded to one embedded stack as fast as it takes them. The time is"
    yield "from the first upload until the last file is processed."
    yield ""
    yield "| Files in the stack | Seconds for each more | Memory of the cloud |"
    yield "|---|---|---|"
    for stage in stages:
        rate = stage["seconds"] / stage["more"]
        yield f"| {stage['files']:,} | {rate:.3f} | {stage['memoryMb']['cloud'][0]:,} MB |"
    yield ""
    found, last = spread(stages), stages[-1]
    verdict = "reached" if found <= TOLERANCE else "missed"
    yield f"The slowest takes {found:.0%} longer than the fastest; target {TOLERANCE:.0%}: {verdict}. Of"
    yield f"{last['files']:,} files {measured['recorded']:,} are recorded."
    yield ""
    yield "| Function | Memory of each worker at the end, MB |"
    yield "|---|---|"
    for name, sizes in last["memoryMb"].items():
        if name != "cloud":
            yield f"| {name} | {', '.join(map(str, sizes))} |"
    yield ""
    lost = sum(run["unaccounted"] for run in measured["api"])
    yield f"Clients of the API, each of which uploads and polls file after file for {_API_SECONDS} seconds, in a stack"
    yield "of its own; all workers share this machine's cores. Of their jobs, records and notifications"
    yield f"{lost} are missing or there more than once."
    yield ""
    yield "| Clients | Files | Route | Calls | p50 ms | p90 ms | p99 ms |"
    yield "|---|---|---|---|---|---|---|"
    for run in measured["api"]:
        for route, row in run["routes"].items():
            times = " | ".join(f"{row[name]:.0f}" for name in ("p50", "p90", "p99"))
            yield f"| {run['clients']} | {run['files']} | {route} | {row['calls']} | {times} |"
    yield ""
