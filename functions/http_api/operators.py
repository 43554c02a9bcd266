"""Who is an operator, and the stack's dead-letter queues as operators' routes see them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from contract.dead_letters.causes import DeadLetter, explain
from contract.moving import Message
from contract.operator import OperatorConfiguration
from contract.outputs import DeadLetterOutput
from functions.http_api.callers import Caller, caller_of
from functions.http_api.problems import Problem, ProblemCode
from functions.shared.rows import find_all


@cache
def configuration() -> OperatorConfiguration[str]:
    """The parts of the stack that operators watch."""
    return OperatorConfiguration[str].from_json(os.environ["OPERATOR_SETTINGS"])


def operator_of(event: Mapping[str, Any]) -> Caller:
    """The operator who sends a request.

    The API's authorizer lets through everybody who may read: people are operators by their group, which it does not
    look at.

    Args:
        event: an HTTP API's event, payload format 2.0.

    Raises:
        Problem: the caller is no operator.
    """
    caller = caller_of(event, auth=configuration().auth)
    if not caller.is_operator:
        raise Problem(ProblemCode.NOT_AN_OPERATOR)
    return caller


def dead_letter_queue(name: str) -> DeadLetterOutput[str]:
    """A dead-letter queue by its short name, ``transform``.

    Raises:
        Problem: there is none of that name.
    """
    for queue in configuration().queues.dead_letter_queues:
        if queue.name == name:
            return queue
    raise Problem(ProblemCode.QUEUE_NOT_FOUND, queue=name)


def explained(queue: DeadLetterOutput[str]) -> Callable[[Sequence[Message]], list[DeadLetter]]:
    """Finds the causes of up to ten messages of a dead-letter queue."""
    return partial(explain, _jobs, queue)


def _jobs(job_ids: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    """Rows of the jobs table; a message has at most two ids, so those of ten messages fit one call."""
    return find_all(os.environ["JOBS_TABLE"], "jobId", dict.fromkeys(job_ids))
