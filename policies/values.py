"""A resource's properties as plain values, with UNKNOWN for values that are not known yet.

A preview does not know values that AWS assigns, such as the ARN of a queue that does not exist yet. Rules accept
UNKNOWN: the engine runs them again during the deployment, with the value, before it creates the resource.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError


class _Unknown(Enum):
    UNKNOWN = "known after the deployment"


UNKNOWN: Final = _Unknown.UNKNOWN


def plain(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A resource's properties out of Pulumi's wrapper, which raises at every unknown value."""
    return {key: _item(properties, key) for key in properties}


def differs(value: object, wanted: object) -> bool:
    """Whether a value is known to be another than the wanted one."""
    return value is not UNKNOWN and value != wanted


def within(value: Any, *path: str | int) -> Any:
    """The value at a path of keys and indexes: None if the path ends early, UNKNOWN if it is not known yet."""
    for step in path:
        if value is UNKNOWN or not value:
            break
        value = value[step] if isinstance(step, int) else value.get(step)
    return value


def items(value: Any) -> Sequence[Any]:
    """The items of a list; none where it is not set, or not known yet."""
    return () if value is UNKNOWN or value is None else value


def _item(container: Any, key: Any) -> Any:
    try:
        value = container[key]
    except UnknownValueError:
        return UNKNOWN
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return value
