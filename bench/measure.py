"""Runs one step in this process and prints {"cpuSeconds", "peakMb"}: python -m bench.measure STEP ours|naive FILE."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.steps import ANIMATION_STEPS, STEPS
from testing.memory import peak_mb


def main(step: str, whose: str, file: str) -> None:
    """Run and print."""
    ours, naive = {**STEPS, **ANIMATION_STEPS}[step]
    run = ours if whose == "ours" else naive
    started = time.process_time()
    run(Path(file))
    print(json.dumps({"cpuSeconds": time.process_time() - started, "peakMb": peak_mb()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
