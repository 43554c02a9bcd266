"""What a worker reports of an input: the function that it has reached, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.hostile.limits import limited


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How an input ended.

    Args:
        kind: accepted, rejected, quarantined (a table that is accepted without some of its rows) or failed.
        code: the reason code or the status; of a failure what happened.
    """

    kind: str
    code: str = ""


class Reporter:
    """Reports each step before it begins, so that it is known where a worker ended.

    Attributes:
        report: takes the function's name.
    """

    report: Callable[[str], None] = print


@contextmanager
def step(function: str) -> Iterator[None]:
    """Work within a function's limits, after saying so."""
    Reporter.report(function)
    with limited(function):
        yield
