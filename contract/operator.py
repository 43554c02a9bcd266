"""What the operators' part of the HTTP API is told of the stack, in its functions' variable `OPERATOR_SETTINGS`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Self

from contract.outputs import QueueOutputs, Text


@dataclass(frozen=True, kw_only=True)
class OperatorConfiguration(Generic[Text]):
    """The parts of a stack that operators watch.

    Args:
        stack: its name.
        auth: ``jwt``, or ``none`` where every caller is an operator.
        queues: its queues.
        pipe_name: the pipe from the transform queue to the workflow.
        alert_topic_arn: where its alarms are published, which tells them from those of other stacks.
    """

    stack: str
    auth: str
    queues: QueueOutputs[Text]
    pipe_name: str
    alert_topic_arn: str

    def values(self) -> dict[str, Any]:
        """What the variable holds as JSON; `from_json` reads it."""
        return {**vars(self), "queues": vars(self.queues)}

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the variable."""
        values: Mapping[str, Any] = json.loads(text)
        return cls(**{**values, "queues": QueueOutputs(**values["queues"])})
