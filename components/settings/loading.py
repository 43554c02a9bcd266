"""Reads the running stack's configuration and checks it before any resource exists."""

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import yaml
from pulumi.runtime.config import CONFIG
from pydantic import ValidationError

from components.settings.mistakes import Mistake, SettingsError, line
from components.settings.model import PROJECT_DIRECTORY, Settings
from components.settings.rules import contradictions
from contract.names import PROJECT


def load_settings() -> Settings:
    """Read and check the running stack's configuration.

    Raises:
        SettingsError: a key is unknown or a value is impossible; one line for each, naming the key, the value and what
            is accepted.
    """
    schema = config_schema()
    # The engine hands over the whole configuration, but pulumi.Config can only ask for keys it knows: a misspelt key
    # shows only when the keys themselves are listed.
    given = {**pulumi.runtime.get_config_env(), **CONFIG.get()}
    prefix = f"{PROJECT}:"
    return parse_settings({key.removeprefix(prefix): given[key] for key in given if key.startswith(prefix)}, schema)


def config_schema() -> dict[str, dict[str, Any]]:
    """The `config` section of `Pulumi.yaml`: {key: {type, default, description, …}}."""
    return yaml.safe_load((PROJECT_DIRECTORY / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]


def parse_settings(given: Mapping[str, str], schema: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Lay `given` over the schema's defaults and check the result.

    Args:
        given: values as the engine passes them: strings, with arrays and objects as JSON.
        schema: the `config` section of `Pulumi.yaml`.

    Raises:
        SettingsError: see `load_settings`.
    """
    unknown = [key for key in given if key not in schema]
    if unknown:
        raise SettingsError("\n".join(_unknown_key(key, schema) for key in unknown))
    values = {key: _value(key, declared, given) for key, declared in schema.items()}
    try:
        settings = Settings.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise SettingsError("\n".join(line(mistake) for mistake in _mistakes(error))) from None
    contradicting = [line(mistake) for mistake in contradictions(settings)]
    if contradicting:
        raise SettingsError("\n".join(contradicting))
    return settings


def _value(key: str, declared: Mapping[str, Any], given: Mapping[str, str]) -> Any:
    """The value of `key` as JSON knows it; text that does not parse is left for the model to refuse by name."""
    if key not in given:
        return declared["default"]
    text = given[key]
    if declared["type"] == "string":
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if declared["type"] == "object" and isinstance(value, dict):
        return {**declared["default"], **value}
    return value


def _mistakes(error: ValidationError) -> Iterator[Mistake]:
    for found in error.errors():
        if found["type"] == "too_short" and found["input"]:
            continue  # the list is only short of the items that are refused one by one
        key, *inner = found["loc"]
        path = str(key) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in inner)
        message = {"extra_forbidden": "there is no such key", "missing": "this key has to be given"}.get(
            found["type"], found["msg"][0].lower() + found["msg"][1:]
        )
        yield Mistake(path, found["input"], message)


def _unknown_key(key: str, schema: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(key, schema, n=1)
    hint = f"did you mean {near[0]}?" if near else f"accepted are {', '.join(schema)}"
    return f"{PROJECT}:{key} is not a setting; {hint}"
