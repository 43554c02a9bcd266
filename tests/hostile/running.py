"""Runs inputs in a worker process, and replaces it when an input ended it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tests.hostile.inputs import HostileInput
from tests.hostile.limits import LIMITS
from tests.hostile.steps import Verdict

# The limits are processor time, which a function that waits does not use; a busy machine takes longer for it.
_PATIENCE = 10


class Worker:
    """A process that works on one input after another.

    Args:
        variables: what it has in its environment besides the parent's.
        module: what it runs.
    """

    def __init__(self, variables: Mapping[str, str], module: str = "tests.hostile.worker") -> None:
        self._environment = {**os.environ, **variables}
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="hostile-")
        self._step = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._end()
        self._folder.cleanup()

    def verdict(self, hostile: HostileInput) -> Verdict:
        """The verdict on an input."""
        path = Path(self._folder.name, "input")
        path.write_bytes(hostile.body)
        task = {"path": str(path), "name": hostile.name, "rows": hostile.rows, "family": hostile.family}
        process = self._started()
        assert process.stdin
        self._step = "the start"
        process.stdin.write(json.dumps(task).encode() + b"\n")
        process.stdin.flush()
        while answer := self._answer(process):
            if "step" not in answer:
                return Verdict(**answer)
            self._step = answer["step"]
        return self._death(process)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-m", self._module]
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,  # select does not see what a buffer holds
                env=self._environment,
            )
        return self._process

    def _answer(self, process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
        """The next line; None if the process ended or does nothing."""
        output: IO[bytes] | None = process.stdout
        assert output
        seconds = LIMITS[self._step].seconds if self._step in LIMITS else 60
        if not select.select([output], [], [], _PATIENCE * seconds)[0]:
            process.kill()
            return None
        line = output.readline()
        return json.loads(line) if line else None

    def _death(self, process: subprocess.Popen[bytes]) -> Verdict:
        code = process.wait()
        self._end()
        if code == -signal.SIGPROF:
            return Verdict(kind="failed", code=f"{self._step} took more than {LIMITS[self._step].seconds} s")
        if code == -signal.SIGKILL:
            return Verdict(kind="failed", code=f"{self._step} did not return, or the machine has too little memory")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return Verdict(kind="failed", code=f"{self._step} ended the process: {name}")

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        self._process = None
