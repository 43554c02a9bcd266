"""The shapes of a replay and of a redrive."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StrictBool, StringConstraints

from functions.http_api.models import Model


class ReplayRequest(Model):
    """Which dead letters go back to the queue where they failed."""

    model_config = ConfigDict(extra="forbid")

    queue: Annotated[str, StringConstraints(min_length=1, max_length=128)] = Field(
        description="The dead-letter queue's name.", examples=["transform"]
    )
    cause: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = Field(
        default=None, description="Only the dead letters of this cause. Default: all."
    )
    dry_run: StrictBool = Field(default=True, description="Only say how many would move.")


class Replayed(Model):
    """What a replay did, or would do.

    A call works for a limited time. Where it is not complete, call it again.
    """

    queue: str
    cause: str | None = None
    dry_run: bool
    matching: int | None = Field(
        default=None,
        description="In a dry run, how many would move; of those that were read, where it is not complete.",
    )
    moved: int = 0
    refused: int = Field(default=0, description="Messages that SQS did not take; they stay in their queue.")
    undeleted: int = Field(
        default=0, description="Messages that moved and could not be deleted here; another replay moves them again."
    )
    left: int = Field(description="About how many messages the queue holds now, of every cause.")
    complete: bool = Field(description="Whether the whole queue was gone through.")


class RedriveRequest(Model):
    """Which failed orders are tried again."""

    model_config = ConfigDict(extra="forbid")

    cause: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = Field(
        default=None, description="Only the failed orders of this cause. Default: all."
    )
    order_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        default=None, description="Only this order. Default: all."
    )
    dry_run: StrictBool = Field(default=True, description="Only say how many would be redriven.")


class Redriven(Model):
    """What a redrive did, or would do.

    A call works for a limited time. Where it is not complete, call it again.
    """

    cause: str | None = None
    order_id: str | None = None
    dry_run: bool
    matching: int | None = Field(
        default=None, description="In a dry run, how many would be redriven; of those read, where it is not complete."
    )
    redriven: int = 0
    unchanged: int = Field(
        default=0, description="Orders that something else changed meanwhile, or that are not kept any more."
    )
    complete: bool = Field(description="Whether all failed orders were gone through.")
