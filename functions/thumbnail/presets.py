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
        name: the renditions' file name: "w320".
        width: pixels; a smaller image keeps its own width.
        formats: what to encode it as, by the name that settings use.
        quality: 1 to 95.
    """

    name: str
    width: int
    formats: Mapping[str, Format]
    quality: int


def presets_from_environment(environment: Mapping[str, str]) -> tuple[Preset, ...]:
    """Read `presets` of SETTINGS, largest width first.

    Raises:
        ConfigurationError: it is missing or malformed, or names a format that is not written.
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
        raise ConfigurationError(f"SETTINGS cannot be used: {error!r}. Deploy the stack again.") from error
    return tuple(sorted(presets, key=lambda preset: preset.width, reverse=True))
