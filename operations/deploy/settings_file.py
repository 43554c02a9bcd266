"""Writes settings into a stack's `Pulumi.{stack}.yaml` and leaves the rest of the file, comments included, as it is."""

from __future__ import annotations

import io
from collections.abc import Mapping

from ruamel.yaml import YAML

# Wide enough that no value is folded into several lines.
_WIDTH = 100_000


def with_settings(text: str, values: Mapping[str, object]) -> str:
    """Return the file's text with these values in its `config` section.

    Args:
        text: the file as it is; "" for one that does not exist yet.
        values: plain values by qualified key (`img-pipeline:maxBytes`); each replaces the whole value of its key.
    """
    if not values:
        return text
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    document = yaml.load(text) or {}
    config = document.get("config")
    if config is None:
        config = document["config"] = {}
    for key, value in values.items():
        config[key] = value
    written = io.StringIO()
    yaml.dump(document, written)
    return written.getvalue()
