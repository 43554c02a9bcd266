"""Processes one input after another: python -m tests.hostile.worker.

Reads a line for each, {path, name, rows, family} as JSON, and writes one for each function that it reaches, {"step"},
and one for the verdict, {"kind", "code"}. An input may end the process: its parent starts another.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.hostile.calls import call
from tests.hostile.files import process
from tests.hostile.inputs import REQUEST
from tests.hostile.steps import Reporter, Verdict

_TRACE_LINES = 12


def main() -> None:
    """Work until the input ends."""
    # The functions write their log lines to the standard output, and C libraries their messages to its file.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")

    Reporter.report = lambda function: answer({"step": function})
    for line in sys.stdin:
        answer(asdict(verdict_of(json.loads(line))))


def verdict_of(task: dict[str, Any]) -> Verdict:
    """The verdict on one input; failed if a function raised or an answer is not right."""
    body = Path(task["path"]).read_bytes()
    try:
        if task["family"] == REQUEST:
            return call(json.loads(body))
        return process(task["name"], body, task["rows"])
    except Exception:
        lines = traceback.format_exc().strip().splitlines()
        return Verdict(kind="failed", code="\n".join(lines[-_TRACE_LINES:]))


if __name__ == "__main__":
    main()
