"""The shapes of the answers to operators."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from functions.http_api.models import Model

MISSING = "MISSING"
"""The state of a pipe that does not exist."""


class AlarmInAlarm(Model):
    """An alarm in the state ALARM."""

    name: str
    description: str = Field(description="What it means, and the command to begin with.")
    since: datetime


class QueueState(Model):
    """The approximate number of messages in a queue."""

    name: str
    dead_letters: str | None = Field(
        default=None, description="For a dead-letter queue, its name in the other routes; absent for other queues."
    )
    messages: int = Field(description="Waiting, in flight and delayed.")
    in_flight: int
    oldest_seconds: int | None = Field(
        default=None, description="Age of the oldest message, as CloudWatch knew it last; absent where it does not."
    )


class PipeState(Model):
    """The pipe from the transform queue to the workflow."""

    name: str
    state: str = Field(description=f"As EventBridge Pipes has it, or {MISSING}.", examples=["RUNNING", "STOPPED"])
    reason: str | None = None


class StackHealth(Model):
    """What needs an operator's attention."""

    alarms: list[AlarmInAlarm]
    queues: list[QueueState]
    pipe: PipeState


class CauseSummary(Model):
    """The dead letters of one cause."""

    cause: str = Field(description="A reason code, the name of an error, or why the message was not delivered.")
    count: int
    first_seen: datetime
    last_seen: datetime
    reason: str
    hint: str
    file_keys: list[str] = Field(description="Examples.")
    job_ids: list[str] = Field(description="Examples.")


class DeadLetterSummary(Model):
    """A dead-letter queue's messages by cause, the most frequent first."""

    queue: str = Field(examples=["transform"])
    kind: str = Field(description="What its messages are.")
    messages: int = Field(description="About how many it holds.")
    read: int = Field(description="How many of them the causes count.")
    complete: bool = Field(description="Whether all that could be received were read.")
    causes: list[CauseSummary]


class DeadLetters(Model):
    """Every queue that was asked for."""

    queues: list[DeadLetterSummary]


class FailedOrder(Model):
    """An order that failed at every attempt."""

    order_id: str
    file_key: str
    reference: str | None = None
    attempts: int
    failed_at: datetime


class FailedOrderCause(Model):
    """The failed orders of one cause."""

    cause: str = Field(description="The name of an error.", examples=["SourceMissingError"])
    count: int
    attempts: int = Field(description="Of all its orders together.")
    first_seen: datetime
    last_seen: datetime
    reason: str
    hint: str
    orders: list[FailedOrder] = Field(description="Examples, the earliest failure first.")


class FailedOrders(Model):
    """The failed orders that have not been redriven, by cause, the most frequent first."""

    read: int = Field(description="How many of them the causes count.")
    complete: bool = Field(description="Whether these are all.")
    causes: list[FailedOrderCause]
