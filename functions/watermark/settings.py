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
        picture_key: key in the processed bucket of the picture to draw, a logo or a text; "" to draw `text`.
    """

    text: str
    opacity: float
    position: Position
    picture_key: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WatermarkSettings:
        """Read SETTINGS; a text or logo that is stored as a picture comes as {"key": …}.

        Raises:
            ConfigurationError: it is missing, malformed or impossible.
        """
        try:
            values = json.loads(environment["SETTINGS"])
            drawn: str | dict[str, str] = values.get("logoPath") or values["text"]
            text, picture_key = ("", drawn["key"]) if isinstance(drawn, dict) else (drawn, "")
            settings = cls(
                text=text,
                opacity=float(values["opacity"]),
                position=Position(values["position"]),
                picture_key=picture_key,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"SETTINGS cannot be used: {error!r}. Deploy the stack again.") from error
        if not 0 <= settings.opacity <= 1 or not (settings.text.strip() or settings.picture_key):
            raise ConfigurationError("SETTINGS need a text or a picture, and an opacity from 0 to 1.")
        return settings
