"""SNS: message attributes of a workflow's publications."""

from __future__ import annotations

import functools
from typing import Any

from ministack.services import (
    sns,
)


def install() -> None:
    """Apply this service's patches."""
    _accept_message_attributes_as_map()


def _accept_message_attributes_as_map() -> None:
    """Gap: the workflow's sns:publish passes MessageAttributes as a JSON map, which the emulator drops."""
    parse = sns._parse_message_attributes

    @functools.wraps(parse)
    def parse_message_attributes(params: dict[str, Any]) -> dict[str, Any]:
        attributes = params.get("MessageAttributes")
        return attributes if isinstance(attributes, dict) else parse(params)

    sns._parse_message_attributes = parse_message_attributes
