"""The audit lines of a replay, in the form of those that `img-pipeline dlq replay` leaves: one before, one after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from contract.audit import Action, ended, started
from functions.http_api.callers import Caller
from functions.http_api.operators import configuration
from functions.http_api.problems import Problem, ProblemCode
from functions.shared.audit import write_line
from functions.shared.errors import PipelineError


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
    line = started(action, who={"user": caller.owner, "by": "api"}, stack=configuration().stack, **details)
    write = partial(write_line, "replay")
    try:
        write(line)
    except PipelineError as error:
        raise Problem(ProblemCode.NOT_AUDITED, headers={"Retry-After": "5"}) from error
    with ended(write, line) as performed:
        yield performed
