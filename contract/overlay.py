"""Merges settings: defaults, a stack's file, then temporary changes.

The rules are those of JSON Merge Patch (RFC 7396): objects are merged key by key, other values are replaced, and null
removes a key. Nulls are kept until all settings are merged, because each must remove keys of those before it.
"""

from __future__ import annotations

from typing import Any


def merge_patch(base: Any, patch: Any) -> Any:
    """Merge `patch` into `base`, keeping nulls; neither is modified."""
    if not (isinstance(base, dict) and isinstance(patch, dict)):
        return patch
    return {**base, **{key: merge_patch(base.get(key), value) for key, value in patch.items()}}


def without_nulls(value: Any) -> Any:
    """A JSON value without keys whose value is null."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
