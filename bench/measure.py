"""Runs one step in this process and prints {"cpuSeconds", "peakMb"}: python -m bench.measure FUNCTION FILE."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.steps import STEPS
from testing.memory import peak_mb


def main(function: str, file: str) -> None:
    """Run and print."""
    started = time.process_time()
    STEPS[function](Path(file))
    print(json.dumps({"cpuSeconds": time.process_time() - started, "peakMb": peak_mb()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
