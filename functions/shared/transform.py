"""What a transform is given: the file version, and the measures that validate found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.shared.formats import FORMATS, Format
from functions.shared.source import FileVersion


@dataclass(frozen=True, kw_only=True)
class TransformRequest:
    """A transform's payload.

    Args:
        version: the file.
        format: what validate recognised it as.
        frames: how many frames validate counted.
        max_pixels: the first frame's pixels as validated; a header that announces more is refused.
    """

    version: FileVersion
    format: Format
    frames: int
    max_pixels: int

    @classmethod
    def from_payload(cls, event: Mapping[str, Any]) -> TransformRequest:
        """Read {"file": …, "media": …} as the workflow sends it."""
        media = event["media"]
        measures = media["measures"]
        return cls(
            version=FileVersion.from_payload(event["file"]),
            format=FORMATS[media["mediaType"]],
            frames=int(measures["frames"]),
            max_pixels=int(measures["width"]) * int(measures["height"]),
        )
