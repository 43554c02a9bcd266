"""The audit log's lines of an action that changes a stack: one before anything is changed, one at its end."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Line = dict[str, Any]


@dataclass(kw_only=True)
class Action:
    """An action in progress; `counts` has what it has done so far."""

    counts: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False


def started(action: str, *, who: Mapping[str, str], stack: str, **details: Any) -> Line:
    """The line before an action.

    Args:
        action: the command, for example "dlq replay".
        who: who performs it.
        stack: which stack it changes.
        details: what it acts on: queue, filter, rate.
    """
    line = {"id": secrets.token_hex(4), "who": who, "stack": stack, "action": action, **details}
    return line | {"event": "started"}


@contextmanager
def ended(write: Callable[[Line], None], line: Line) -> Iterator[Action]:
    """Write how an action ended: completed, interrupted or failed.

    Args:
        write: writes a line.
        line: the one before the action.
    """
    action = Action()
    try:
        yield action
    except KeyboardInterrupt:
        write(line | {"event": "interrupted", "counts": action.counts})
        raise
    except BaseException as error:
        write(line | {"event": "failed", "counts": action.counts, "error": repr(error)})
        raise
    write(line | {"event": "interrupted" if action.interrupted else "completed", "counts": action.counts})
