"""Which dead letters a replay sends back to the queue where they failed, and as which messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.dead_letters.causes import Cause, DeadLetter
from contract.events import as_message
from contract.moving import Message, OutgoingMessage
from contract.outputs import DeadLetterKind, DeadLetterOutput


@dataclass(frozen=True, kw_only=True)
class Replay:
    """One replay of dead letters, body and attributes unchanged.

    A rejected file is validated again: its original event is sent, as a new run, since its job is finished (see
    components/workflow/file_workflow.py), and where it was scanned for malware, with the latest scan result. A
    message that this replay causes stays in the queue, so that a file which fails again is not replayed repeatedly.

    Args:
        queue: the dead-letter queue.
        explained: finds the causes of up to ten messages.
        with_latest_scan: an event with the latest malware scan result, see `contract.scan.with_scan_status`.
        started_at: when the replay began, in seconds since 1970 by SQS's clock.
        run: the id of the new run, see `contract.events.RUN`.
        only: a cause, a file's key, a job's id or a message's id; None for every message.
    """

    queue: DeadLetterOutput[str]
    explained: Callable[[Sequence[Message]], list[DeadLetter]]
    with_latest_scan: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    started_at: float
    run: str
    only: str | None = None

    def copies(self, messages: Sequence[Message]) -> list[OutgoingMessage | None]:
        """What to send for each message; None for one that stays."""
        return [self._copy(each) if self.moves(each) else None for each in self.explained(messages)]

    def moves(self, dead_letter: DeadLetter) -> bool:
        """Whether the dead letter is sent. A rejection that cannot be read has no event to send."""
        is_its_own = dead_letter.message.sent_at > self.started_at or _run_of(dead_letter) == self.run
        is_lost = self.queue.kind is DeadLetterKind.REJECTIONS and dead_letter.cause == Cause.UNREADABLE
        return not is_its_own and not is_lost and (self.only is None or dead_letter.matches(self.only))

    def _copy(self, dead_letter: DeadLetter) -> OutgoingMessage:
        message = dead_letter.message
        if self.queue.kind is not DeadLetterKind.REJECTIONS:
            return OutgoingMessage(body=message.body, message_attributes=message.message_attributes)
        return OutgoingMessage(body=as_message(self.with_latest_scan(dead_letter.body["event"]), run=self.run))


def _run_of(dead_letter: DeadLetter) -> str:
    """The run in which a file was rejected; empty for an upload, and where there is none."""
    event = dead_letter.body.get("event")
    return event.get("run", "") if isinstance(event, dict) else ""
