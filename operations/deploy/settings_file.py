"""Writes settings into a stack's `Pulumi.{stack}.yaml` and leaves the rest of the file, comments included, as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import yaml

INDENT = "  "


def with_settings(text: str, values: Mapping[str, object]) -> str:
    """Return the file's text with these values in its `config` section.

    Args:
        text: the file as it is; "" for one that does not exist yet.
        values: plain values by qualified key (`img-pipeline:maxBytes`); each replaces the whole value of its key.
    """
    if not values:
        return text
    wanted: dict[str, Any] = yaml.safe_load(text) or {}
    wanted["config"] = {**(wanted.get("config") or {}), **values}
    with contextlib.suppress(yaml.YAMLError):
        for key, value in values.items():
            text = _with_setting(text, key, value)
        if yaml.safe_load(text) == wanted:
            return text
    # Somebody writes YAML in another style than Pulumi does: the values count, not the comments.
    return yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True)


def _with_setting(text: str, key: str, value: object) -> str:
    lines = text.splitlines()
    section = _value_of(yaml.compose(text, Loader=yaml.SafeLoader), "config")
    if not isinstance(section, yaml.MappingNode) or not section.value:
        lines = [line for line in lines if not line.startswith("config:")]
        return "\n".join([*lines, "config:", *_spelt(key, value, INDENT)]) + "\n"
    indent = " " * section.start_mark.column
    first, last = _last_line(section) + 1, _last_line(section)
    for key_node, value_node in section.value:
        if key_node.value == key:
            first, last = key_node.start_mark.line, _last_line(value_node)
    return "\n".join([*lines[:first], *_spelt(key, value, indent), *lines[last + 1 :]]) + "\n"


def _spelt(key: str, value: object, indent: str) -> list[str]:
    block = yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True, default_flow_style=False)
    return [f"{indent}{line}" for line in block.splitlines()]


def _value_of(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _last_line(node: yaml.Node) -> int:
    """The last line that the node's own text is on; the end mark of a block is where the next thing starts."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    end = node.end_mark
    return end.line - (end.column == 0 and end.line > node.start_mark.line)
