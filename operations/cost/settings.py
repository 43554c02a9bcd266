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
from contract.overlay import merge_patch
from program.stack_file import StackConfigError, as_text, is_encrypted, read_stack_values


def stack_settings(stack: str, changes: Sequence[str] = ()) -> Settings:
    """Read `Pulumi.{stack}.yaml` over the defaults of `Pulumi.yaml`; secrets, which cost nothing, are left out.

    Args:
        stack: the stack's name.
        changes: settings to try, as `key=value` with a path such as `validate.provisionedConcurrency` or
            `transforms.watermark.memoryMb`; values as YAML.

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
    texts = {key: as_text(value) for key, value in given.items()}
    try:
        return parse_settings(texts, schema)
    except SettingsError as error:
        raise PipelineError("; ".join(str(error).splitlines())) from None


def _file_settings(stack: str) -> dict[str, Any]:
    try:
        values = read_stack_values(PROJECT_DIRECTORY, stack)
    except StackConfigError as error:
        raise PipelineError(str(error)) from None
    prefix = f"{PROJECT}:"
    return {
        key.removeprefix(prefix): value
        for key, value in values.items()
        if key.startswith(prefix) and not is_encrypted(value)
    }


def _set(given: dict[str, Any], schema: Mapping[str, Mapping[str, Any]], path: str, value: object) -> None:
    key, *steps = [int(step) if step.isdecimal() else step for step in re.findall(r"[^.\[\]]+", path)]
    if not steps:
        given[str(key)] = value
        return
    # The program lays an object over its default key by key, but takes a list whole.
    base = merge_patch(schema.get(str(key), {}).get("default"), given.get(str(key), {}))
    changed: Any = copy.deepcopy(base)
    target = changed
    try:
        for step in steps[:-1]:
            target = target.setdefault(step, {}) if isinstance(target, dict) and isinstance(step, str) else target[step]
        target[steps[-1]] = value
    except (KeyError, IndexError, TypeError):
        raise PipelineError(f"--set {path}: {key} is {json.dumps(base)}, which has no such part") from None
    given[str(key)] = changed
