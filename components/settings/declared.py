"""Settings that functions declare: those of a transform, and limits of a family of media types in validate.

Each is a JSON Schema next to the code, `functions/<transform>/settings.schema.json` or
`functions/validate/<family>.schema.json`, with types, bounds, defaults and descriptions. It is read here as data; the
functions receive validated values.

Beyond JSON Schema, a property may have the format ``project-file``, the path of a file in the project's folder, or
``drawn-text``, a text that is drawn as an image if the function has no font for it. The file or the image is stored in
the processed bucket for that function only. ``x-unusedWith`` names a property that, if set, makes this one unused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from components.blocks.packaging import FUNCTIONS_DIRECTORY, PROJECT_DIRECTORY, built_file
from components.blocks.watermark_text import UndrawableTextError, picture_of
from contract.memory import DISK_KEYWORD, MEMORY_KEYWORD, OUTPUT_KEYWORD, output_bytes
from contract.overlay import merge_patch

Refusal = tuple[str, object, str]
"""(path of the key, value, what is accepted)."""

OTHER_FUNCTIONS = {"api", "erase", "failed_order", "fulfil", "operator", "replay", "validate", "webhook"}
"""Folders of functions that are no transforms."""

_EMPTY_SCHEMA: Mapping[str, Any] = {"type": "object", "additionalProperties": False}


@dataclass(frozen=True, kw_only=True)
class DeclaredSettings:
    """The settings that one schema declares.

    Args:
        schema: the JSON Schema of an object.
    """

    schema: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """The schema of each setting, by name."""
        return self.schema.get("properties", {})

    @property
    def memory_bytes_per(self) -> Mapping[str, int] | None:
        """Bytes of memory for each unit of a limit; None where the schema declares none."""
        return self.schema.get(MEMORY_KEYWORD)

    @property
    def disk_bytes_per_byte(self) -> int:
        """Bytes of storage for each byte of the largest file; 0 where the schema declares none."""
        return self.schema.get(DISK_KEYWORD, 0)

    def largest_output_bytes(self, values: Mapping[str, Any], limits: Mapping[str, Any]) -> int:
        """Bytes of memory for the largest output of these settings; 0 where the schema declares none.

        Args:
            values: accepted settings.
            limits: the media type's limits by name.
        """
        sides = _with_keyword(OUTPUT_KEYWORD, self.schema, values)
        return max((output_bytes(declared, side, limits) for declared, side in sides), default=0)

    def over_defaults(self, given: object) -> Any:
        """The defaults, overridden by `given`."""
        return merge_patch(
            {name: each["default"] for name, each in self.properties.items() if "default" in each}, given
        )

    def refusals(self, path: str, values: Any) -> Iterator[Refusal]:
        """The values that the schema does not accept, and files and texts that cannot be used.

        Args:
            path: the key under which the values are set.
            values: the settings, with the defaults filled in.
        """
        refused = list(Draft202012Validator(self.schema).iter_errors(values))
        for error in refused:
            yield from _refusals(path, error)
        if not refused:
            yield from self._unusable_files(path, values)

    def files(self, values: Mapping[str, Any]) -> dict[str, Path]:
        """The files to store for the function, by the name of their setting.

        Args:
            values: accepted settings.
        """
        found: dict[str, Path] = {}
        for name, text in self._used(values, "project-file"):
            found[name] = PROJECT_DIRECTORY / text
        for name, text in self._used(values, "drawn-text"):
            if picture := picture_of(text):
                found[name] = built_file(f"{name}.png", picture)
        return found

    def _unusable_files(self, path: str, values: Any) -> Iterator[Refusal]:
        for name, text in self._used(values, "project-file"):
            if not (PROJECT_DIRECTORY / text).is_file():
                yield f"{path}.{name}", text, "the path of a file in the project's folder, or empty"
        for name, text in self._used(values, "drawn-text"):
            try:
                picture_of(text)
            except UndrawableTextError as error:
                yield f"{path}.{name}", text, f"a text that can be drawn: {error}"

    def _used(self, values: Mapping[str, Any], format: str) -> Iterator[tuple[str, str]]:
        for name, declared in self.properties.items():
            is_used = not values.get(declared.get("x-unusedWith", ""))
            if declared.get("format") == format and values.get(name) and is_used:
                yield name, values[name]


def transform_settings(transform: str) -> DeclaredSettings:
    """The settings that a transform declares; none if its folder has no schema."""
    return _read(FUNCTIONS_DIRECTORY / transform / "settings.schema.json")


def family_limits(family: str) -> DeclaredSettings:
    """The limits that validate declares for a family of media types."""
    return _read(FUNCTIONS_DIRECTORY / "validate" / f"{family}.schema.json")


def families() -> tuple[str, ...]:
    """The families of media types that validate measures."""
    suffix = ".schema.json"
    schemas = (FUNCTIONS_DIRECTORY / "validate").glob(f"*{suffix}")
    return tuple(sorted(path.name.removesuffix(suffix) for path in schemas))


def transforms() -> tuple[str, ...]:
    """The transforms that have a folder."""
    folders = {path.parent.name for path in FUNCTIONS_DIRECTORY.glob("*/handler.py")}
    return tuple(sorted(folders - OTHER_FUNCTIONS))


def _read(path: Path) -> DeclaredSettings:
    return DeclaredSettings(schema=json.loads(path.read_text(encoding="utf-8")) if path.is_file() else _EMPTY_SCHEMA)


def _with_keyword(keyword: str, schema: Mapping[str, Any], value: Any) -> Iterator[tuple[Any, Any]]:
    """The values of a keyword in a schema, each with the value that it applies to, at every depth of objects."""
    if keyword in schema:
        yield schema[keyword], value
    if isinstance(value, Mapping):
        for name, each in value.items():
            inner = schema.get("properties", {}).get(name) or schema.get("additionalProperties") or {}
            yield from _with_keyword(keyword, inner, each)


def _refusals(path: str, error: ValidationError) -> Iterator[Refusal]:
    where = path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    wanted: Any = error.validator_value
    schema: Any = error.schema
    instance: Any = error.instance
    match error.validator:
        case "additionalProperties":
            known = schema.get("properties", {})
            for name in instance:
                if name not in known:
                    yield f"{where}.{name}", instance[name], "there is no such key"
        case "required":
            yield where, instance, f"with each of {', '.join(map(str, wanted))}"
        case "enum":
            yield where, instance, f"one of {', '.join(map(str, wanted))}"
        case "type":
            yield where, instance, f"a value of type {wanted}"
        case "minimum":
            yield where, instance, f"a value greater than or equal to {wanted}"
        case "maximum":
            yield where, instance, f"a value less than or equal to {wanted}"
        case "contains":
            yield where, instance, f"a list with {' or '.join(wanted['enum'])}"
        case "exclusiveMinimum":
            yield where, instance, f"a value greater than {wanted}"
        case rule:
            # Not the library's message, which repeats the value: it may be a secret.
            yield where, instance, f"{rule} is {json.dumps(wanted, ensure_ascii=False)}"
