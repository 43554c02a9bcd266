"""Runs one step in this process and prints {"cpuSeconds", "peakMb"}: python -m bench.measure STEP ours|naive FILE."""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path

from bench.steps import ANIMATION_STEPS, STEPS


def main(step: str, whose: str, file: str) -> None:
    """Run and print."""
    ours, naive = {**STEPS, **ANIMATION_STEPS}[step]
    run = ours if whose == "ours" else naive
    started = time.process_time()
    run(Path(file))
    print(json.dumps({"cpuSeconds": time.process_time() - started, "peakMb": _peak_mb()}))


def _peak_mb() -> float:
    """This program's peak resident memory; on Linux, getrusage includes the process's memory before exec."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


if __name__ == "__main__":
    main(*sys.argv[1:])
