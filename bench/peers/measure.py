"""Runs one step of a contender in this process: python -m bench.peers.measure CONTENDER STEP FILE FOLDER WARM-UP.

The step is run on a small file first, so that imports and caches are left out. Prints {"cpuSeconds", "peakMb"}; what
was made is in the folder, and what was made first in its folder `warm-up`.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
from pathlib import Path

from testing.memory import peak_mb


def main(contender: str, step: str, file: str, folder: str, warm_up: str) -> None:
    """Run and print."""
    module = importlib.import_module(f"bench.peers.{contender}")
    run = module.STEPS[step]
    run(Path(warm_up), Path(folder) / "warm-up")
    started = _cpu_seconds()
    run(Path(file), Path(folder))
    seconds = _cpu_seconds() - started
    peak = children_peak_mb() if getattr(module, "RUNS_COMMANDS", False) else peak_mb()
    print(json.dumps({"cpuSeconds": seconds, "peakMb": peak}))


def children_peak_mb() -> float:
    """Peak resident memory of the largest command; at least that of this process when it started the command."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _cpu_seconds() -> float:
    """Of this process and of commands that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    main(*sys.argv[1:])
