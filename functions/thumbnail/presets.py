"""The configured sizes and formats of renditions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from functions.shared.errors import ConfigurationError
from functions.shared.formats import JPEG, WEBP, Format

_FORMATS = {"jpeg": JPEG, "webp": WEBP}


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One configured size.

    Args:
        name: the renditions' file name without extension: "w320".
        width: in pixels; a narrower image keeps its width.
        formats: the formats to encode, by their names in the settings.
        quality: 1 to 95.
    """

    name: str
    width: int
    formats: Mapping[str, Format]
    quality: int


def presets_from_environment(environment: Mapping[str, str]) -> tuple[Preset, ...]:
    """Read `presets` of SETTINGS, sorted by width, largest first.

    Raises:
        ConfigurationError: it is missing or invalid, or contains an unknown format.
    """
    try:
        presets = [
            Preset(
                name=name,
                width=int(preset["width"]),
                formats={format: _FORMATS[format] for format in preset["formats"]},
                quality=int(preset["quality"]),
            )
            for name, preset in json.loads(environment["SETTINGS"])["presets"].items()
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"SETTINGS is invalid: {error!r}. Deploy the stack again.") from error
    return tuple(sorted(presets, key=lambda preset: preset.width, reverse=True))
