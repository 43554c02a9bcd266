"""The watermark's settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from functions.shared.errors import ConfigurationError


class Position(StrEnum):
    """The mark's position on the image."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"
    CENTER = "center"


@dataclass(frozen=True, kw_only=True)
class WatermarkSettings:
    """The configured watermark.

    Args:
        text: the text to draw, unless there is a logo.
        opacity: 0 (invisible) to 1 (solid).
        position: the position on the image.
        picture_key: key of the picture to draw in the processed bucket, a logo or a rendered text; "" to draw `text`.
    """

    text: str
    opacity: float
    position: Position
    picture_key: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WatermarkSettings:
        """Read SETTINGS.

        Raises:
            ConfigurationError: it is missing or invalid.
        """
        try:
            values = json.loads(environment["SETTINGS"])
        except (KeyError, ValueError) as error:
            raise ConfigurationError(f"SETTINGS is invalid: {error!r}. Deploy the stack again.") from error
        return cls.from_json(values)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> WatermarkSettings:
        """Read the settings; a text or logo that is stored as a picture is {"key": …}.

        Raises:
            ConfigurationError: they are invalid.
        """
        try:
            drawn: str | dict[str, str] = values.get("logoPath") or values["text"]
            text, picture_key = ("", drawn["key"]) if isinstance(drawn, dict) else (drawn, "")
            settings = cls(
                text=text,
                opacity=float(values["opacity"]),
                position=Position(values["position"]),
                picture_key=picture_key,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"SETTINGS has no valid watermark: {error!r}. Deploy the stack again.") from error
        if not 0 <= settings.opacity <= 1 or not (settings.text.strip() or settings.picture_key):
            raise ConfigurationError("SETTINGS needs a text or a picture, and an opacity from 0 to 1. Deploy again.")
        return settings
