"""One scenario: faults in force while files and orders come in, their end, and the time until all is well again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from storm.checker import Finding, check
from storm.faults.fault import Fault
from storm.history import FaultWindow
from storm.load import burst, order
from storm.testbed import NeverIdle, Testbed
from testing.waiting import eventually

RECOVERY_SECONDS = 400
"""The longest recovery, and a second for each file: some faults use up a step's retries, which wait for minutes."""

_MORE_FILES = 6
_FIRING_SECONDS, _LATE_SECONDS = 120, 20
_ORDERS = 3


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a scenario showed.

    Attributes:
        names: the faults' names.
        fired: how often each struck.
        files: how many were uploaded meanwhile.
        recovery_seconds: from the end of the faults until nothing is left to do.
        findings: what the checker found in the world after it.
        failure: why it did not end; empty if it did.
    """

    names: tuple[str, ...]
    fired: tuple[int, ...]
    files: int
    recovery_seconds: float
    findings: Sequence[Finding] = ()
    failure: str = ""

    def __str__(self) -> str:
        struck = ", ".join(f"{name} ({fired} times)" for name, fired in zip(self.names, self.fired, strict=True))
        end = self.failure or f"well again after {self.recovery_seconds:.1f} s"
        return f"{struck}: {self.files} files, {end}, {len(self.findings)} findings"


def play(bed: Testbed, faults: Sequence[Fault], files: int, prefix: str) -> Result:
    """Inject faults under load, end them, and check the world once the pipeline is idle."""
    started_at, files_before = datetime.now(UTC), bed.files
    with ThreadPoolExecutor(1) as clients:
        for fault in faults:
            if not fault.needs_load:
                fault.inject(bed)
        loading = clients.submit(_load, bed, files, prefix)
        for fault in faults:
            if fault.needs_load:
                eventually(lambda: bed.is_busy() or loading.done(), "files on their way")
                fault.inject(bed)
        in_force, failure = _await_firing(bed, faults, prefix)
        bed.pause(max((fault.hold_seconds for fault in faults), default=0))
        fired = tuple(fault.fired(bed) for fault in faults)
        for fault in in_force:
            fault.recover(bed)
        ended, ended_at = time.monotonic(), datetime.now(UTC)
        loading.result()
    try:
        bed.await_idle(RECOVERY_SECONDS + files)
    except NeverIdle as reason:
        failure = str(reason)
    seconds = time.monotonic() - ended
    name = " + ".join(fault.name for fault in faults)
    bed.history.add(FaultWindow(name=name, started_at=started_at, ended_at=ended_at))
    return Result(
        names=tuple(fault.name for fault in faults),
        fired=fired,
        files=bed.files - files_before,
        recovery_seconds=seconds,
        findings=check(bed.history, bed.observe()),
        failure=failure,
    )


def _load(bed: Testbed, files: int, prefix: str) -> None:
    order(bed, _ORDERS, prefix)
    burst(bed, files, prefix)


def _await_firing(bed: Testbed, faults: Sequence[Fault], prefix: str) -> tuple[Sequence[Fault], str]:
    """Send more files until every fault has struck.

    When some are late, those that have struck end: a stopped pipe or a throttled function keeps files from the others.

    Returns:
        The faults that are still in force, and why it was given up, if one never struck.
    """
    started, number, in_force = time.monotonic(), 0, faults
    while waiting := [fault for fault in in_force if not fault.fired(bed)]:
        seconds = time.monotonic() - started
        if seconds > _FIRING_SECONDS:
            return in_force, f"never struck: {', '.join(fault.name for fault in waiting)}"
        if seconds > _LATE_SECONDS and len(waiting) < len(in_force):
            for fault in in_force:
                if fault not in waiting:
                    fault.recover(bed)
            in_force = waiting
        bed.pause(1)
        if not bed.is_busy() and number < _FIRING_SECONDS // 10:
            number += 1
            _load(bed, _MORE_FILES, f"{prefix}/more{number}")
    return in_force, ""
