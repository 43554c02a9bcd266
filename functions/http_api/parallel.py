"""AWS calls that do not depend on each other, at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(work: Callable[[Item], Result], items: Sequence[Item], *, threads: int) -> list[Result]:
    """The results for some items, in order. A single item needs no thread, whose start takes milliseconds.

    Args:
        work: makes AWS calls with clients that exist already, as botocore creates them in one thread at a time.
        items: what it is called with.
        threads: how many calls run at a time.
    """
    if len(items) == 1:
        return [work(items[0])]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))
