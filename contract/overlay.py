"""Settings laid over other settings: defaults, then a stack's file, then what is tried on top.

The rules are those of JSON Merge Patch (RFC 7396): objects are merged key by key, anything else replaces what it is
laid over, and null removes. Nulls are kept until all layers are merged, because each still has to remove from those
below.
"""

from __future__ import annotations

from typing import Any


def laid_over(base: Any, change: Any) -> Any:
    """Merge a JSON value over another, nulls included; neither is modified."""
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    return {**base, **{key: laid_over(base.get(key), value) for key, value in change.items()}}


def without_nulls(value: Any) -> Any:
    """A JSON value without the keys of objects that null removes."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
