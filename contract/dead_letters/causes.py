"""Why a message is in a dead-letter queue, according to its job's row or to the message itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from contract.events import announced_version
from contract.jobs import possible_job_ids
from contract.json_text import json_object
from contract.moving import Message
from contract.orders import ORDER_ID
from contract.outputs import DeadLetterKind, DeadLetterOutput

SAMPLES = 3


class Cause(StrEnum):
    """The cause of a dead letter if neither its job nor the message has one."""

    NOT_STARTED = "NOT_STARTED"
    DIED = "DIED"
    ALREADY_FINISHED = "ALREADY_FINISHED"
    NOT_DELIVERED = "NOT_DELIVERED"
    NOT_TAKEN = "NOT_TAKEN"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    NOT_RECORDED = "NOT_RECORDED"
    UNREADABLE = "UNREADABLE"


class Explanation(NamedTuple):
    """A cause's code, its description, and what to do about it."""

    cause: str
    reason: str
    hint: str


_EXPLANATIONS: Mapping[str, Explanation] = {
    each.cause: each
    for each in (
        Explanation(
            Cause.NOT_STARTED,
            "No execution wrote the job's row.",
            "Read the pipe's and the workflow's logs for the cause, fix it, then replay.",
        ),
        Explanation(
            Cause.DIED,
            "The execution stopped without an error: timeout or state size limit.",
            "Read the workflow's log for the execution in the job's row; raise workflowTimeoutSeconds, then replay.",
        ),
        Explanation(
            Cause.ALREADY_FINISHED,
            "Another delivery of the same event has finished the job.",
            "Nothing is missing. A replay of it ends immediately; a purge loses nothing.",
        ),
        Explanation(
            Cause.NOT_DELIVERED,
            "EventBridge could not deliver the event, and gives no reason.",
            "Check the transform queue's policy and key policy, which must allow EventBridge, then replay.",
        ),
        Explanation(
            Cause.NOT_TAKEN,
            "The subscriber received the result several times and did not delete it, or its queue was unreachable.",
            "Fix the subscriber, then replay.",
        ),
        Explanation(
            Cause.NOT_ACCEPTED,
            "The receiver did not answer 2xx in any attempt.",
            "Ask the receiver's owner, see the webhook function's log for the answers, then replay.",
        ),
        Explanation(
            Cause.NOT_RECORDED,
            "The order failed at every attempt, and the function failed_order has not recorded that yet.",
            "See that function's log: it takes the message again by itself. Then `orders show` has the cause.",
        ),
        Explanation(
            Cause.UNREADABLE,
            "The message has another format than those of this queue.",
            "Read it with `dlq peek`, keep it with `dlq export`, and find its sender.",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A dead letter and why it is one.

    Attributes:
        queue: short name of the dead-letter queue.
        cause: a rejection's reason code, a failure's error name, or a `Cause`.
        order_id: the order that it is about; empty for the messages of other queues.
        failed_at: when it failed, as far as that is known.
        body: the message's body as JSON; empty where it is none.
        job: the row of the jobs table; empty where there is none.
    """

    queue: str
    message: Message
    cause: str
    reason: str
    hint: str
    file_key: str
    job_id: str
    failed_at: datetime
    body: Mapping[str, Any] = field(default_factory=dict)
    job: Mapping[str, Any] = field(default_factory=dict)
    order_id: str = ""

    def matches(self, wanted: str) -> bool:
        """Whether `wanted` is its cause, its file's key, its job's or order's id, or its message's id."""
        return wanted in (self.cause, self.file_key, self.job_id, self.order_id, self.message.message_id)


@dataclass(frozen=True, kw_only=True)
class Group:
    """The dead letters of one cause."""

    cause: str
    count: int
    first_seen: datetime
    last_seen: datetime
    reason: str
    hint: str
    sample_keys: list[str]
    sample_job_ids: list[str]


Jobs = Callable[[Iterable[str]], Mapping[str, Mapping[str, Any]]]
"""Returns the rows of the jobs table by job id; ids without a row are left out."""


def explain(jobs_by_id: Jobs, queue: DeadLetterOutput[str], messages: Sequence[Message]) -> list[DeadLetter]:
    """Find the cause of each message.

    Args:
        jobs_by_id: reads the jobs table.
        queue: the dead-letter queue that the messages are in.
        messages: what was received.
    """
    bodies = [json_object(message.body) for message in messages]
    subjects = [_subject(queue.kind, body) for body in bodies]
    jobs = jobs_by_id(job_id for subject in subjects for job_id in subject.job_ids)
    dead_letters = []
    for message, body, subject in zip(messages, bodies, subjects, strict=True):
        job = subject.job_among(jobs)
        explanation = (
            _explanation(queue.kind, message, body, job) if subject.file_key else _EXPLANATIONS[Cause.UNREADABLE]
        )
        dead_letters.append(
            DeadLetter(
                queue=queue.name,
                message=message,
                **explanation._asdict(),
                file_key=subject.file_key,
                job_id=job.get("jobId") or next(reversed(subject.job_ids), ""),
                failed_at=_failed_at(queue.kind, message, body, job),
                body=body,
                job=job,
                order_id=subject.order_id,
            )
        )
    return dead_letters


def group(dead_letters: Iterable[DeadLetter]) -> list[Group]:
    """Group dead letters by cause, the most frequent first."""
    by_cause: dict[str, list[DeadLetter]] = {}
    for dead_letter in dead_letters:
        by_cause.setdefault(dead_letter.cause, []).append(dead_letter)
    groups = [_group(cause, members) for cause, members in by_cause.items()]
    return sorted(groups, key=lambda each: (-each.count, each.cause))


def _group(cause: str, dead_letters: Sequence[DeadLetter]) -> Group:
    return Group(
        cause=cause,
        count=len(dead_letters),
        first_seen=min(dead_letter.failed_at for dead_letter in dead_letters),
        last_seen=max(dead_letter.failed_at for dead_letter in dead_letters),
        reason=Counter(dead_letter.reason for dead_letter in dead_letters).most_common(1)[0][0],
        hint=dead_letters[0].hint,
        sample_keys=_samples(dead_letter.file_key for dead_letter in dead_letters),
        sample_job_ids=_samples(dead_letter.job_id for dead_letter in dead_letters),
    )


def _samples(values: Iterable[str]) -> list[str]:
    """The first distinct values; empty ones are left out."""
    return list(dict.fromkeys(filter(None, values)))[:SAMPLES]


class _Subject(NamedTuple):
    """What a message is about.

    Attributes:
        file_key: the file's key; empty if the message has none.
        job_ids: the ids that its job may have, the most likely last.
        version_id: the version that the job's row must have; empty if the message has the job's id.
        order_id: the order's id; empty if it is about none.
    """

    file_key: str = ""
    job_ids: tuple[str, ...] = ()
    version_id: str = ""
    order_id: str = ""

    def job_among(self, rows: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
        """Its job's row; empty if there is none."""
        own = (rows[job_id] for job_id in self.job_ids if job_id in rows)
        return next((row for row in own if self.version_id in ("", row.get("versionId"))), {})


def _subject(kind: DeadLetterKind, body: Mapping[str, Any]) -> _Subject:
    try:
        if kind is DeadLetterKind.REJECTIONS and body.keys() >= {"reasonCode", "reason", "hint", "event"}:
            return _Subject(body["file"]["fileKey"], (body["file"]["jobId"],))
        if kind is DeadLetterKind.RESULTS:
            return _Subject(body["fileKey"], (body["jobId"],))
        if kind is DeadLetterKind.WEBHOOKS:
            return _Subject(body["fileKey"], (body["jobId"],) if "jobId" in body else ())
        if kind is DeadLetterKind.ORDERS:
            return _Subject(body["fileKey"], order_id=body[ORDER_ID])
        version = announced_version(body)
    except (KeyError, TypeError):
        return _Subject()
    return _Subject(version.key, possible_job_ids(version.bucket, version.key, version.version_id), version.version_id)


def _explanation(
    kind: DeadLetterKind, message: Message, body: Mapping[str, Any], job: Mapping[str, Any]
) -> Explanation:
    match kind:
        case DeadLetterKind.REJECTIONS:
            return Explanation(body["reasonCode"], body["reason"], body["hint"])
        case DeadLetterKind.UNDELIVERED:
            return _undelivered(message)
        case DeadLetterKind.RESULTS:
            return _EXPLANATIONS[Cause.NOT_TAKEN]
        case DeadLetterKind.WEBHOOKS:
            return _EXPLANATIONS[Cause.NOT_ACCEPTED]
        case DeadLetterKind.ORDERS:
            return _EXPLANATIONS[Cause.NOT_RECORDED]
        case DeadLetterKind.EVENTS:
            return _unsuccessful(job)


def _undelivered(message: Message) -> Explanation:
    """The error attributes that EventBridge adds ("Using dead-letter queues to process undelivered events")."""
    attributes = message.message_attributes
    if "ERROR_CODE" not in attributes:
        return _EXPLANATIONS[Cause.NOT_DELIVERED]
    reason = attributes.get("ERROR_MESSAGE", {}).get("StringValue", "")
    return Explanation(attributes["ERROR_CODE"]["StringValue"], reason, _EXPLANATIONS[Cause.NOT_DELIVERED].hint)


def _unsuccessful(job: Mapping[str, Any]) -> Explanation:
    """Why an upload's retries were used up."""
    if not job:
        return _EXPLANATIONS[Cause.NOT_STARTED]
    if "finishedAt" in job:
        return _EXPLANATIONS[Cause.ALREADY_FINISHED]
    if "reasonCode" in job:
        return Explanation(job["reasonCode"], job["reason"], job["hint"])
    return _EXPLANATIONS[Cause.DIED]


def _failed_at(kind: DeadLetterKind, message: Message, body: Mapping[str, Any], job: Mapping[str, Any]) -> datetime:
    if kind is DeadLetterKind.REJECTIONS and "rejectedAt" in body:
        return datetime.fromisoformat(body["rejectedAt"])
    if kind is DeadLetterKind.EVENTS and job:
        return datetime.fromisoformat(job["updatedAt"])
    return datetime.fromtimestamp(message.sent_at, UTC)
