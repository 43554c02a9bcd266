"""Reads the running stack's configuration and checks it before any resource exists."""

import copy
import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import yaml
from pulumi.runtime.config import CONFIG
from pydantic import ValidationError

from components.settings.declared import Refusal, families, family_limits, transform_settings
from components.settings.mistakes import Mistake, SettingsError, line
from components.settings.model import PROJECT_DIRECTORY, Settings
from components.settings.rules import contradictions
from contract.names import PROJECT
from contract.overlay import merge_patch, without_nulls

COMMON_KEYS = {"accepted", "identicalContent"}
"""Keys of every family of media types, beside the limits that its schema declares."""

MOVED = {
    "maxPixels": "media.image.maxPixels",
    "maxFrames": "media.image.maxFrames",
    "allowedTypes": "media.image.accepted",
    "renditionPresets": "transforms.thumbnail.settings.presets, an object by name",
    "watermark": "transforms.watermark.settings",
}
"""Keys of earlier versions of the program, and the keys that replace them."""


def load_settings() -> Settings:
    """Read and check the running stack's configuration.

    Raises:
        SettingsError: a key is unknown or a value is impossible; one line for each, naming the key, the value and what
            is accepted.
    """
    schema = config_schema()
    # pulumi.Config reads only keys that the program names; listing all keys of the configuration finds misspelt ones.
    given = {**pulumi.runtime.get_config_env(), **CONFIG.get()}
    prefix = f"{PROJECT}:"
    return parse_settings({key.removeprefix(prefix): given[key] for key in given if key.startswith(prefix)}, schema)


def config_schema() -> dict[str, dict[str, Any]]:
    """The `config` section of `Pulumi.yaml`: {key: {type, default, description, …}}."""
    return yaml.safe_load((PROJECT_DIRECTORY / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]


def parse_settings(given: Mapping[str, str], schema: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Override the schema's defaults with `given` and check the result.

    Args:
        given: values as the engine passes them: strings, with arrays and objects as JSON.
        schema: the `config` section of `Pulumi.yaml`.

    Raises:
        SettingsError: see `load_settings`.
    """
    unknown = [key for key in given if key not in schema]
    if unknown:
        raise SettingsError("\n".join(_unknown_key(key, schema) for key in unknown))
    if given.get("transforms", "").lstrip().startswith("["):
        raise SettingsError(f"{PROJECT}:transforms is now an object by name, not a list: {{thumbnail: {{…}}}}")
    values = {key: _value(key, declared, given) for key, declared in schema.items()}
    refused = [Mistake(*refusal) for refusal in _declared_settings(values)]
    try:
        settings = Settings.model_validate_json(json.dumps(without_nulls(values)))
    except ValidationError as error:
        raise SettingsError("\n".join(map(line, [*_mistakes(error), *refused]))) from None
    if refused:
        raise SettingsError("\n".join(map(line, refused)))
    contradicting = [line(mistake) for mistake in contradictions(settings)]
    if contradicting:
        raise SettingsError("\n".join(contradicting))
    return settings


def _value(key: str, declared: Mapping[str, Any], given: Mapping[str, str]) -> Any:
    """The value of `key`, parsed as JSON; text that does not parse is unchanged, and the model rejects it."""
    if key not in given:
        return copy.deepcopy(declared["default"])
    text = given[key]
    if declared["type"] == "string":
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if declared["type"] == "object" and isinstance(value, dict):
        return merge_patch(declared["default"], value)
    return value


def _declared_settings(values: dict[str, Any]) -> Iterator[Refusal]:
    """Fill in the defaults of declared limits and settings in `values`; yield what is not accepted."""
    for family, given in _objects(values["media"]):
        if family not in families():
            yield f"media.{family}", given, f"a family that functions/validate measures: {', '.join(families())}"
            continue
        declared = family_limits(family)
        own = {key: each for key, each in given.items() if key not in COMMON_KEYS}
        limits = without_nulls(declared.over_defaults(own))
        values["media"][family] = given | limits
        yield from declared.refusals(f"media.{family}", limits)
    for name, given in _objects(values["transforms"]):
        declared = transform_settings(name)
        own = without_nulls(declared.over_defaults(given.get("settings", {})))
        values["transforms"][name] = given | {"settings": own}
        yield from declared.refusals(f"transforms.{name}.settings", own)


def _objects(value: object) -> list[tuple[str, dict[str, Any]]]:
    return [(key, each) for key, each in value.items() if isinstance(each, dict)] if isinstance(value, dict) else []


def _mistakes(error: ValidationError) -> Iterator[Mistake]:
    for found in error.errors():
        if found["type"] == "too_short" and found["input"]:
            continue  # the list is too short only because its items are reported one by one
        key, *inner = found["loc"]
        path = str(key) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in inner)
        message = {"extra_forbidden": "there is no such key", "missing": "this key is required"}.get(
            found["type"], found["msg"][0].lower() + found["msg"][1:]
        )
        yield Mistake(path, found["input"], message)


def _unknown_key(key: str, schema: Mapping[str, object]) -> str:
    if key in MOVED:
        return f"{PROJECT}:{key} is no longer a setting; it is now {MOVED[key]}"
    near = difflib.get_close_matches(key, schema, n=1)
    hint = f"did you mean {near[0]}?" if near else f"accepted are {', '.join(schema)}"
    return f"{PROJECT}:{key} is not a setting; {hint}"
