"""Thousands of files in one embedded stack, and clients of its API all at once: what grows, and what stays."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from bench.api_clients import Crowd, latencies
from bench.bursts import process_burst
from bench.machine import measured_here
from bench.processes import SERVER, cpu_milliseconds, processes_of
from client.pipeline import Row
from contract.keys import UPLOADS
from testing.stack import NO_THROTTLE, Stack, deployed_stack

TITLE = "Growth"
SIZES = (100, 1_000, 5_000)
"""Files in the stack, at which it is measured."""
CLIENTS = (1, 10, 50)
"""Clients of the API at once."""
TOLERANCE = 0.10
"""How much longer a file may take at the size where it takes longest than where it takes shortest."""

_BURST = 50
_TIMES = {"secondsPerFile": "Seconds for a file", "cpuSecondsPerFile": "CPU seconds for a file"}
_API_SECONDS = 20


def measure(sizes: Sequence[int] = SIZES) -> Iterator[dict[str, Any]]:
    """Have the API's clients upload, each number of them to its own stack; then fill another stack with files.

    Args:
        sizes: numbers of files, each larger than the one before.

    Yields:
        What was measured so far, after every burst of files.
    """
    measured: dict[str, Any] = {**measured_here(), "sizes": list(sizes), "api": [], "stages": []}
    for clients in CLIENTS:
        measured["api"].append(_clients(clients))
        _say(f"{clients} clients of the API: {measured['api'][-1]['files']} files")
        yield measured
    with deployed_stack() as stack:
        process_burst(stack, "warm-up", _BURST)
        done = 0
        for size in sizes:
            stage: dict[str, Any] = {each: [] for each in _TIMES}
            measured["stages"].append(stage)
            while done < size:
                used = cpu_milliseconds(stack.cloud)
                rows = process_burst(stack, f"from-{done}", min(_BURST, size - done))
                used = cpu_milliseconds(stack.cloud) - used
                done += len(rows)
                stage["secondsPerFile"].append(round(seconds_per_file(rows), 4))
                stage["cpuSecondsPerFile"].append(round(used.total() / 1000 / len(rows), 4))
                stage |= {"files": done, "memoryMb": _memory_mb(stack)}
                _say(f"{done:,} of {sizes[-1]:,} files, {seconds_per_file(rows):.3f} s each")
                yield measured
            stage["recorded"] = sum(1 for _ in stack.pipeline.scan_assets(UPLOADS)) - _BURST
            yield measured


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


def seconds_per_file(rows: Sequence[Row]) -> float:
    """From the start of the first execution of a burst to the end of the last; the uploads were before that."""
    began = min(datetime.fromisoformat(row["stages"][0]["at"]) for row in rows)
    ended = max(datetime.fromisoformat(row["finishedAt"]) for row in rows)
    return (ended - began).total_seconds() / len(rows)


def _memory_mb(stack: Stack) -> dict[str, list[int]]:
    """The resident memory of the cloud's server, and of each worker of each function."""
    found: dict[str, list[int]] = defaultdict(list)
    for each in processes_of(stack.cloud):
        found[each.name].append(each.resident_mb)
    return {name: sorted(found[name]) for name in sorted(found)}


def _clients(clients: int) -> dict[str, Any]:
    """So many clients that upload and poll for a while: the latency of each route, and what was lost."""
    with deployed_stack(api={"auth": "jwt", **NO_THROTTLE}) as stack:
        crowd = Crowd(stack=stack)
        first = crowd.run(clients, lambda done: done < 1)  # workers start
        crowd.calls.clear()
        until = time.monotonic() + _API_SECONDS
        uploaded = crowd.run(clients, lambda _: time.monotonic() < until)
        routes = latencies(crowd.calls)
        wrong = crowd.unaccounted([*first, *uploaded])
        return {"clients": clients, "files": len(uploaded), "routes": routes, "unaccounted": len(wrong)}


def spread(bursts: Sequence[Sequence[float]]) -> float:
    """How much more a file takes at the size where it takes most than where it takes least, as a share.

    Args:
        bursts: what a file takes in each burst, by size; of each size the median counts.
    """
    medians = list(map(median, bursts))
    return max(medians) / min(medians) - 1


def markdown(measured: dict[str, Any]) -> str:
    """The section's text."""
    return "\n".join(_lines(measured))


def _lines(measured: Mapping[str, Any]) -> Iterator[str]:
    yield f"Measured on {measured['date']}: {measured['machine']}."
    yield ""
    stages = [stage for stage in measured["stages"] if "files" in stage]
    if stages:
        yield from _file_lines(stages)
    if not stages or stages[-1]["files"] < measured["sizes"][-1]:
        yield f"The run was ended before the stack had {measured['sizes'][-1]:,} files."
        yield ""
    yield from _api_lines(measured["api"])


def _file_lines(stages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield _METHOD
    yield ""
    headings = [f"{stage['files']:,} files" for stage in stages]
    yield f"| | {' | '.join(headings)} | Most beside least, target {TOLERANCE:.0%} |"
    yield f"|---|{'---|' * len(stages)}---|"
    for name, title in _TIMES.items():
        taken = [stage[name] for stage in stages]
        cells = (f"{median(each):.3f} ({min(each):.3f} to {max(each):.3f})" for each in taken)
        yield f"| {title} | {' | '.join(cells)} | {_verdict(taken)} |"
    for name in stages[-1]["memoryMb"]:
        sizes = (", ".join(f"{size:,}" for size in stage["memoryMb"].get(name, [])) for stage in stages)
        yield f"| {'The embedded cloud' if name == SERVER else name} | {' | '.join(sizes)} | |"
    yield ""
    for stage in stages:
        if "recorded" in stage:
            yield f"Of {stage['files']:,} files {stage['recorded']:,} are recorded."
    yield ""


_METHOD = f"""\
Photographs of 480 by 320 pixels, each with eight renditions, a watermark and metadata, in one embedded stack, after
{_BURST} to warm up. They wait in the queue, {_BURST} at a time, before the pipe is started: the seconds are those from
the start of their first execution to the end of their last. CPU seconds are those of all processes of the embedded
cloud, with the uploads. Below are the median of the bursts since the size before, with the least and the most, and the
memory of each process at the end, in MB."""


def _verdict(bursts: Sequence[Sequence[float]]) -> str:
    if len(bursts) < 2:
        return "not compared"
    return f"{spread(bursts):.0%}: {'reached' if spread(bursts) <= TOLERANCE else 'missed'}"


def _api_lines(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    lost = sum(run["unaccounted"] for run in runs)
    yield f"Clients of the API, each of which uploads and polls file after file for {_API_SECONDS} seconds, in a stack"
    yield "of its own without throttling; all workers share this machine's cores. Of their jobs, records and"
    yield f"notifications {lost} are missing or there more than once."
    yield ""
    yield "| Clients | Files | Route | Calls | p50 ms | p90 ms | p99 ms |"
    yield "|---|---|---|---|---|---|---|"
    for run in runs:
        for route, row in run["routes"].items():
            times = " | ".join(f"{row[name]:.0f}" for name in ("p50", "p90", "p99"))
            yield f"| {run['clients']} | {run['files']} | {route} | {row['calls']} | {times} |"
    yield ""
