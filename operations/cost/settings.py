"""A stack's settings as its file has them, with changes to try."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from client.errors import PipelineError
from components.settings import PROJECT_DIRECTORY, Settings, SettingsError, config_schema, parse_settings
from contract.names import PROJECT


def stack_settings(stack: str, changes: Sequence[str] = ()) -> Settings:
    """Read `Pulumi.{stack}.yaml` over the defaults of `Pulumi.yaml`; secrets, which cost nothing, are left out.

    Args:
        stack: the stack's name.
        changes: settings to try, as `key=value` with a path such as `validate.provisionedConcurrency` or
            `transforms[1].memoryMb`; values as YAML.

    Raises:
        PipelineError: there is no such stack, or a setting is not accepted.
    """
    schema = config_schema()
    given = _file_settings(stack)
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals:
            raise PipelineError(f"--set {change}: write key=value, such as architecture=x86_64")
        _set(given, schema, path, yaml.safe_load(text))
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    try:
        return parse_settings(texts, schema)
    except SettingsError as error:
        raise PipelineError("; ".join(str(error).splitlines())) from None


def _file_settings(stack: str) -> dict[str, Any]:
    path = PROJECT_DIRECTORY / f"Pulumi.{stack}.yaml"
    if not path.exists():
        known = sorted(file.name.split(".")[1] for file in PROJECT_DIRECTORY.glob("Pulumi.*.yaml"))
        raise PipelineError(f"there is no Pulumi.{stack}.yaml; there are stacks {', '.join(known)}")
    config = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("config") or {}
    prefix = f"{PROJECT}:"
    return {
        key.removeprefix(prefix): value
        for key, value in config.items()
        if key.startswith(prefix) and not _is_secret(value)
    }


def _is_secret(value: object) -> bool:
    if isinstance(value, dict):
        return "secure" in value or any(map(_is_secret, value.values()))
    return isinstance(value, list) and any(map(_is_secret, value))


def _set(given: dict[str, Any], schema: Mapping[str, Mapping[str, Any]], path: str, value: object) -> None:
    key, *steps = [int(step) if step.isdecimal() else step for step in re.findall(r"[^.\[\]]+", path)]
    if not steps:
        given[str(key)] = value
        return
    # The program lays an object over its default key by key, but takes a list whole.
    base = given.get(str(key), schema.get(str(key), {}).get("default"))
    changed: Any = copy.deepcopy(base)
    target = changed
    try:
        for step in steps[:-1]:
            target = target[step]
        target[steps[-1]] = value
    except (KeyError, IndexError, TypeError):
        raise PipelineError(f"--set {path}: {key} is {json.dumps(base)}, which has no such part") from None
    given[str(key)] = changed
