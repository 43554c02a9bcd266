"""The configured renditions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contract.renditions import ANIMATED_FORMATS, RenditionSpec, focal_point
from functions.shared.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One configured rendition.

    Args:
        preset: the preset's name, and the rendition's file name without extension: "w320".
        spec: one of the preset's formats.
    """

    preset: str
    spec: RenditionSpec

    @property
    def name(self) -> str:
        """The rendition's name: "w320-webp"."""
        return f"{self.preset}-{self.spec.format}"


def presets_from_environment(environment: Mapping[str, str]) -> tuple[Preset, ...]:
    """Read `presets` of SETTINGS, each with one entry for each of its formats.

    Raises:
        ConfigurationError: it is missing or invalid.
    """
    try:
        return tuple(
            Preset(preset=name, spec=_spec(preset, format))
            for name, preset in json.loads(environment["SETTINGS"])["presets"].items()
            for format in preset["formats"]
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"SETTINGS is invalid: {error!r}. Deploy the stack again.") from error


def focused(presets: Sequence[Preset], text: str) -> tuple[Preset, ...]:
    """The presets with the focal point of an upload, if the text is one."""
    if focal_point(text) is None:
        return tuple(presets)
    return tuple(replace(preset, spec=replace(preset.spec, focal_point=text)) for preset in presets)


def _spec(preset: Mapping[str, Any], format: str) -> RenditionSpec:
    is_animated = preset.get("animated", False) and format in ANIMATED_FORMATS
    return RenditionSpec.from_json({**preset, "format": format, "animated": is_animated})
