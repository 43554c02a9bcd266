"""Stack outputs without a stack."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from contract.outputs import StackOutputs


def outputs_with(**known: Any) -> StackOutputs[str]:
    """A stack's outputs with some values; the others are empty strings.

    Args:
        known: the values, by field name.
    """
    empty: dict[str, Any] = dict.fromkeys((field.name for field in fields(StackOutputs)), "")
    return StackOutputs(**empty | known)
