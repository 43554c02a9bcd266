"""The outputs of a stack that does not exist."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from contract.outputs import StackOutputs


def outputs_with(**known: Any) -> StackOutputs[str]:
    """A stack's outputs, of which only some have a value; the others are empty texts.

    Args:
        known: the values, by field name.
    """
    empty: dict[str, Any] = dict.fromkeys((field.name for field in fields(StackOutputs)), "")
    return StackOutputs(**empty | known)
