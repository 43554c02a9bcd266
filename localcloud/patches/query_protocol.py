"""The AWS query protocol by an operation's model: form parameters to values, and values to XML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape


def decode(shape: Any, parameters: Mapping[str, Any], name: str = "") -> Any:
    """Return a value of a shape from form parameters.

    Args:
        shape: a `botocore.model.Shape` of a structure, list, string, boolean or number; maps are not supported.
        parameters: lists of values by name, as `urllib.parse.parse_qs` returns them.
        name: the value's name, such as ``Dimensions.member.1``. Default: the whole request.

    Returns:
        The value; None if the parameters do not contain it.
    """
    if shape.type_name == "structure":
        prefix = f"{name}." if name else ""
        members = {key: decode(member, parameters, prefix + key) for key, member in shape.members.items()}
        return {key: value for key, value in members.items() if value is not None} or None
    if shape.type_name == "list":
        items: list[Any] = []
        while (item := decode(shape.member, parameters, f"{name}.member.{len(items) + 1}")) is not None:
            items.append(item)
        return items or None
    if name not in parameters:
        return None
    text = parameters[name][0]
    convert = {"boolean": lambda value: value.lower() == "true", "integer": int, "double": float}
    return convert.get(shape.type_name, str)(text)


def encode(shape: Any, value: Any) -> str:
    """Return a value of a shape as the content of an XML element; members that are None are omitted.

    Args:
        shape: as for `decode`, or of a timestamp.
        value: what to encode; timestamps are numbers, in seconds since 1970.
    """
    if shape.type_name == "structure":
        present = {key: member for key, member in shape.members.items() if value.get(key) is not None}
        return "".join(f"<{key}>{encode(member, value[key])}</{key}>" for key, member in present.items())
    if shape.type_name == "list":
        return "".join(f"<member>{encode(shape.member, item)}</member>" for item in value)
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(value, UTC).isoformat()
    return str(value).lower() if isinstance(value, bool) else escape(str(value))
