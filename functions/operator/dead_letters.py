"""The messages of dead-letter queues by cause. They stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from contract.clock import Clock, Deadline
from contract.dead_letters.causes import Group, group
from contract.dead_letters.sampling import read_sample
from contract.outputs import DeadLetterOutput
from contract.queues import SqsQueue
from functions.http_api.operators import explained
from functions.operator.models import CauseSummary, DeadLetterSummary
from functions.shared.aws import client

MAX_READ = 500
"""Messages of one queue that a request reads."""

_READING_SECONDS = 8
# As long as the function may run: should it be ended, others see the messages again then.
_HIDDEN_SECONDS = 20


def summaries(queues: Sequence[DeadLetterOutput[str]]) -> list[DeadLetterSummary]:
    """Every queue's dead letters by cause; the queues are read at the same time."""
    clock = Deadline(_READING_SECONDS)
    for service in ("sqs", "dynamodb"):
        client(service)  # botocore makes clients in one thread at a time
    with ThreadPoolExecutor(max_workers=len(queues)) as pool:
        return list(pool.map(partial(_summary, clock=clock), queues))


def _summary(queue: DeadLetterOutput[str], *, clock: Clock) -> DeadLetterSummary:
    source = SqsQueue(client("sqs"), queue.url, hidden_seconds=_HIDDEN_SECONDS)
    sample = read_sample(source, explained(queue), limit=MAX_READ, clock=clock)
    return DeadLetterSummary(
        queue=queue.name,
        kind=queue.kind,
        messages=sample.depth,
        read=len(sample.dead_letters),
        complete=sample.whole,
        causes=[_cause(each) for each in group(sample.dead_letters)],
    )


def _cause(causes: Group) -> CauseSummary:
    return CauseSummary(
        cause=causes.cause,
        count=causes.count,
        first_seen=causes.first_seen,
        last_seen=causes.last_seen,
        reason=causes.reason,
        hint=causes.hint,
        file_keys=causes.sample_keys,
        job_ids=causes.sample_job_ids,
    )
