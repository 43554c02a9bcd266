"""Reads the messages of a stack's dead-letter queues without removing any, see `contract.dead_letters.sampling`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from client.dead_letters.stack_queues import DeadLetterQueue
from client.pipeline import Pipeline
from contract.dead_letters.causes import DeadLetter, explain
from contract.dead_letters.sampling import Sample, read_sample

HIDDEN_SECONDS = 300
DEFAULT_LIMIT = 1000


def sample(
    pipeline: Pipeline,
    queue: DeadLetterQueue,
    *,
    limit: int = DEFAULT_LIMIT,
    until: Callable[[DeadLetter], bool] = lambda _: False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Sample:
    """Read a queue's messages without removing any.

    Args:
        limit: the maximum number of messages to read.
        until: stop after the first message for which this is true.
        on_progress: called with the number of messages read.
    """
    source = pipeline.queue(queue.url, hidden_seconds=HIDDEN_SECONDS)
    explained = partial(explain, pipeline.jobs, queue)
    return read_sample(source, explained, limit=limit, until=until, on_progress=on_progress)


@dataclass(frozen=True, kw_only=True)
class Search:
    """The dead letter that a search found, and the number of messages it read."""

    dead_letter: DeadLetter | None
    read: int


def find(pipeline: Pipeline, wanted: str, queues: Iterable[DeadLetterQueue], *, limit: int) -> Search:
    """Find a dead letter by its message's id, its job's id or its file's key.

    Args:
        limit: the maximum number of messages to read from each queue.
    """
    read = 0
    for queue in queues:
        dead_letters = sample(
            pipeline, queue, limit=limit, until=lambda dead_letter: dead_letter.matches(wanted)
        ).dead_letters
        read += len(dead_letters)
        for dead_letter in dead_letters:
            if dead_letter.matches(wanted):
                return Search(dead_letter=dead_letter, read=read)
    return Search(dead_letter=None, read=read)
