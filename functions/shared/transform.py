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
        """Read {"file": …, "image": …} as the workflow sends it."""
        image = event["image"]
        return cls(
            version=FileVersion.from_payload(event["file"]),
            format=FORMATS[image["contentType"]],
            frames=int(image["frames"]),
            max_pixels=int(image["width"]) * int(image["height"]),
        )
