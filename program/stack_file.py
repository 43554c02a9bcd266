"""The configuration in `Pulumi.yaml` and `Pulumi.{stack}.yaml`, as the Pulumi engine passes it to the program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contract.overlay import merge_patch


class StackConfigError(ValueError):
    """The project's or the stack's file cannot be used; the message is one line that says what to do."""


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """One stack's configuration.

    Attributes:
        project: the project's name.
        values: `namespace:key` -> value as text; arrays and objects as JSON.
    """

    project: str
    values: dict[str, str]


def read_stack_config(directory: Path, stack: str, overrides: Mapping[str, object]) -> StackConfig:
    """Combine the project's typed defaults, the stack's values and the overrides, the last winning.

    Args:
        directory: where `Pulumi.yaml` is.
        stack: the stack's name.
        overrides: values by key without namespace; each key must be declared in `Pulumi.yaml`. An object is merged
            into the stack's key by key, as `pulumi config set --path` would do.

    Raises:
        StackConfigError: the stack does not exist, a file is not valid, an override is not declared, or a value is
            encrypted.
    """
    stack_values = read_stack_values(directory, stack)
    project = read_yaml(directory / "Pulumi.yaml")
    name = project["name"]
    declared = {_qualified(key, name): entry for key, entry in (project.get("config") or {}).items()}

    chosen = {_qualified(key, name): value for key, value in overrides.items()}
    for key in chosen:
        if key not in declared:
            raise StackConfigError(f"{key} is not a setting of this project: Pulumi.yaml does not declare it")
    values = _defaults(declared) | {_qualified(key, name): value for key, value in stack_values.items()}
    for key, value in chosen.items():
        known = values.get(key)
        values[key] = merge_patch(known, value)
    for key, value in values.items():
        if is_encrypted(value):
            raise StackConfigError(f"{key} of stack {stack!r} is encrypted, which only pulumi can read: override it")
    return StackConfig(project=name, values={key: as_text(value) for key, value in values.items()})


def read_stack_values(directory: Path, stack: str) -> dict[str, Any]:
    """Read the values in a stack's file.

    Args:
        directory: where `Pulumi.{stack}.yaml` is.
        stack: the stack's name.

    Returns:
        The values by key as the file spells it, such as `img-pipeline:maxBytes`.

    Raises:
        StackConfigError: the stack does not exist, or its file is not valid.
    """
    stack_file = directory / f"Pulumi.{stack}.yaml"
    if not stack_file.exists():
        known = sorted(path.name.split(".")[1] for path in directory.glob("Pulumi.*.yaml"))
        raise StackConfigError(f"there is no stack {stack!r}: {directory} has {', '.join(known) or 'none'}")
    return read_yaml(stack_file).get("config") or {}


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a project's or a stack's file; an empty one has no keys.

    Raises:
        StackConfigError: it is not valid YAML, or not an object whose `config`, if it has one, is an object too.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise StackConfigError(f"{path}{place} is not valid YAML: {error.problem}; correct the file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StackConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}; correct the file") from None
    if not isinstance(content, dict) or not isinstance(content.get("config") or {}, dict):
        raise StackConfigError(f"{path} must be an object, and so must its key `config`: write one `key: value` a line")
    return content


def is_encrypted(value: object) -> bool:
    """Whether a value is a secret, or holds one, that only Pulumi can read."""
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(map(is_encrypted, value.values()))
    return isinstance(value, list) and any(map(is_encrypted, value))


def as_text(value: object) -> str:
    """Write a value as the engine passes it: text unchanged, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _qualified(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _defaults(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The values in `Pulumi.yaml`: a typed key's default, another's `value`, or the value itself."""
    defaults: dict[str, Any] = {}
    for key, entry in declared.items():
        if not isinstance(entry, dict):
            defaults[key] = entry
        elif "default" in entry or "value" in entry:
            defaults[key] = entry.get("default", entry.get("value"))
    return defaults
