"""What the watermark shows, and where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from functions.shared.errors import ConfigurationError


class Position(StrEnum):
    """Where on the image the mark stands."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"
    CENTER = "center"


@dataclass(frozen=True, kw_only=True)
class WatermarkSettings:
    """The configured watermark.

    Args:
        text: what to write, unless there is a logo.
        opacity: 0 (invisible) to 1 (solid).
        position: where it stands.
        logo_key: key of the logo's image in the processed bucket, "" for text.
    """

    text: str
    opacity: float
    position: Position
    logo_key: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WatermarkSettings:
        """Read WATERMARK.

        Raises:
            ConfigurationError: it is missing, malformed or impossible.
        """
        try:
            values = json.loads(environment["WATERMARK"])
            settings = cls(
                text=values.get("text", ""),
                opacity=float(values["opacity"]),
                position=Position(values["position"]),
                logo_key=values.get("logoKey") or "",
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"WATERMARK cannot be used: {error!r}. Deploy the stack again.") from error
        if not 0 <= settings.opacity <= 1 or not (settings.text.strip() or settings.logo_key):
            raise ConfigurationError("WATERMARK needs a text or a logoKey, and an opacity from 0 to 1.")
        return settings
