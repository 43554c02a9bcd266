"""Exports dead letters to a file, one JSON line each, and imports them again."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from client.audit import audited
from client.dead_letters.sampling import Sample, sample
from client.dead_letters.stack_queues import DeadLetterQueue
from client.errors import InvalidRequestError
from client.pipeline import Pipeline
from contract.clock import Clock
from contract.dead_letters.causes import DeadLetter
from contract.moving import MoveResult, OutgoingMessage, send_all
from contract.queues import MAX_HELD


@dataclass(frozen=True, kw_only=True)
class Archived:
    """A line of the file: the queue it came from, and what was in it."""

    queue: str
    copy: OutgoingMessage


def export(
    pipeline: Pipeline,
    queue: DeadLetterQueue,
    path: Path,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Sample:
    """Write a queue's messages to a file without removing them from the queue.

    Raises:
        InvalidRequestError: the file exists already, or cannot be created.
    """
    try:
        # Made before anything is received: an export that cannot be written should not hide messages.
        file = path.open("x", encoding="utf-8")
    except FileExistsError:
        raise InvalidRequestError(f"{path} exists already: name another file") from None
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be created: {error.strerror}; name another file") from None
    try:
        with file:
            sampled = sample(pipeline, queue, limit=MAX_HELD, on_progress=on_progress)
            file.writelines(
                f"{json.dumps(_line(dead_letter), ensure_ascii=False)}\n" for dead_letter in sampled.dead_letters
            )
    except BaseException:
        path.unlink()
        raise
    return sampled


def read(path: Path) -> list[Archived]:
    """Read a file that `export` wrote.

    Raises:
        InvalidRequestError: the file cannot be read, or a line is not what `export` writes.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return [_archived(path, number, line) for number, line in enumerate(file, start=1)]
    except UnicodeDecodeError:
        raise InvalidRequestError(f"{path} is not text: name a file that `dlq export` wrote") from None
    except OSError as error:
        raise InvalidRequestError(
            f"{path} cannot be read: {error.strerror}; name a file that `dlq export` wrote"
        ) from None


def put_back(
    pipeline: Pipeline,
    queue: DeadLetterQueue,
    dead_letters: list[Archived],
    *,
    rate: int,
    skip: int = 0,
    clock: Clock,
    on_progress: Callable[[MoveResult], None] = lambda _: None,
) -> MoveResult:
    """Send what was archived to a dead-letter queue, from where it can be replayed.

    Args:
        skip: lines from the start that an interrupted import has settled.
        rate: the most messages sent within any second.
    """
    destination = pipeline.queue(queue.url)
    copies = (dead_letter.copy for dead_letter in islice(dead_letters, skip, None))
    with audited(
        pipeline, "dlq import", queue=destination.name, lines=len(dead_letters), skip=skip, rate=rate
    ) as action:

        def note(result: MoveResult) -> None:
            action.counts = asdict(result)
            on_progress(result)

        result = send_all(copies, destination, rate=rate, clock=clock, on_progress=note)
        note(result)
        action.interrupted = result.interrupted
    return result


def _line(dead_letter: DeadLetter) -> dict[str, Any]:
    return {
        "queue": dead_letter.queue,
        "messageId": dead_letter.message.message_id,
        "sentAt": datetime.fromtimestamp(dead_letter.message.sent_at, UTC).isoformat(timespec="milliseconds"),
        "cause": dead_letter.cause,
        "reason": dead_letter.reason,
        "fileKey": dead_letter.file_key,
        "jobId": dead_letter.job_id,
        "body": dead_letter.message.body,
        "messageAttributes": {
            name: {key: _text(value) for key, value in attribute.items()}
            for name, attribute in dead_letter.message.message_attributes.items()
        },
    }


def _archived(path: Path, number: int, line: str) -> Archived:
    try:
        entry = json.loads(line)
        return Archived(
            queue=str(entry["queue"]),
            copy=OutgoingMessage(
                body=entry["body"],
                message_attributes={
                    name: {key: _value(value) for key, value in attribute.items()}
                    for name, attribute in entry["messageAttributes"].items()
                },
            ),
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        raise InvalidRequestError(f"line {number} of {path} is not a dead letter that `dlq export` wrote") from None


def _text(value: str | bytes) -> str | Mapping[str, str]:
    """JSON has no bytes; SQS has, in attributes."""
    return value if isinstance(value, str) else {"base64": base64.b64encode(value).decode()}


def _value(text: str | Mapping[str, str]) -> str | bytes:
    return text if isinstance(text, str) else base64.b64decode(text["base64"])
