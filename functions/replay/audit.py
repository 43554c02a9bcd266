"""The audit lines of a replay, in the form of those that `img-pipeline dlq replay` leaves: one before, one after."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from functions.http_api.callers import Caller
from functions.http_api.operators import configuration
from functions.http_api.problems import Problem, ProblemCode
from functions.shared.audit import write_line
from functions.shared.errors import PipelineError


@dataclass(kw_only=True)
class Action:
    """An action in progress; `counts` has what it has done so far."""

    counts: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False


@contextmanager
def audited(action: str, caller: Caller, **details: Any) -> Iterator[Action]:
    """Write that an action starts, and how it ended: completed, interrupted or failed.

    Args:
        action: the command that does the same, "dlq replay".
        caller: who does it.
        details: what it acts on.

    Raises:
        Problem: the first line could not be written; nothing was changed.
    """
    line = {
        "id": secrets.token_hex(4),
        "who": {"user": caller.owner, "by": "api"},
        "stack": configuration().stack,
        "action": action,
        **details,
    }
    try:
        write_line("replay", line | {"event": "started"})
    except PipelineError as error:
        raise Problem(ProblemCode.NOT_AUDITED, headers={"Retry-After": "5"}) from error
    performed = Action()
    try:
        yield performed
    except BaseException as error:
        write_line("replay", line | {"event": "failed", "counts": performed.counts, "error": repr(error)})
        raise
    write_line(
        "replay",
        line | {"event": "interrupted" if performed.interrupted else "completed", "counts": performed.counts},
    )
