"""The memory that a process has used."""

from __future__ import annotations

import re
import resource
from pathlib import Path


def peak_mb() -> float:
    """This program's peak resident memory; on Linux, getrusage includes the process's memory before exec."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
