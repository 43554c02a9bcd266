"""How a mistake in the settings is reported: one line with the key, the value and what is accepted."""

import json
import re
from typing import NamedTuple

import pulumi

from contract.names import PROJECT


class SettingsError(pulumi.RunError):
    """A stack's configuration cannot be used: one line per mistake, which Pulumi prints without a traceback."""


class Mistake(NamedTuple):
    """A key, its value, and what would be accepted instead."""

    key: str
    value: object
    accepted: str


def line(mistake: Mistake) -> str:
    """The line that reports a mistake; the value of a secret setting is left out."""
    top_level = re.split(r"[.\[]", mistake.key, maxsplit=1)[0]
    secret = pulumi.runtime.is_config_secret(f"{PROJECT}:{top_level}")
    value = "[secret]" if secret else json.dumps(mistake.value, ensure_ascii=False, default=str)
    return f"{PROJECT}:{mistake.key} = {value} is not accepted: {mistake.accepted}"
