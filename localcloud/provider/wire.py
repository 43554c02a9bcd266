"""Property values between protobuf and Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct


def decode(values: Struct) -> dict[str, Any]:
    """Return the properties as plain values; whole numbers are int."""
    return _whole(json_format.MessageToDict(values))


def encode(values: Mapping[str, Any]) -> Struct:
    """Return plain values as properties; those that are None are left out."""
    properties = Struct()
    properties.update({key: value for key, value in values.items() if value is not None})
    return properties


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
