"""The processes of an embedded cloud, as Linux shows them: the server, and the workers of the functions."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localcloud.emulator import Emulator

SERVER = "cloud"
"""The name of the server's process."""

_MEGABYTE = 1 << 20
# The short name of a worker's function, in its environment.
_FUNCTION = re.compile(r"AWS_LAMBDA_FUNCTION_NAME=[^\0]*-(\w+)\0")


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process; its name is `SERVER`, the short one of its function, or ``other``."""

    name: str
    cpu_milliseconds: int
    resident_mb: int


def processes_of(cloud: Emulator) -> Iterator[Process]:
    """The processes that run now."""
    server = cloud.server_process_id
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # "proc_pid_stat(5)": after the command, the 3rd field is the group, the 12th and 13th are CPU times.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) != server:
                continue
            function = _FUNCTION.search((folder / "environ").read_text())
            pages = int((folder / "statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        yield Process(
            name=SERVER if folder.name == str(server) else function[1] if function else "other",
            cpu_milliseconds=1000 * (int(fields[11]) + int(fields[12])) // os.sysconf("SC_CLK_TCK"),
            resident_mb=round(pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE),
        )


def cpu_milliseconds(cloud: Emulator) -> Counter[str]:
    """The CPU time that the processes of each name have used so far."""
    used: Counter[str] = Counter()
    for each in processes_of(cloud):
        used[each.name] += each.cpu_milliseconds
    return used
