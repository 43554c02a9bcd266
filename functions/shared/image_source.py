"""The input and output of transforms of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.shared.answers import Rendition
from functions.shared.formats import FORMATS, Format
from functions.shared.source import FileVersion
from functions.shared.transform import TransformRequest


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """An image that validate accepted.

    Args:
        version: the file.
        format: the format that validate detected.
        width, height: the first frame's size as validated, in pixels, with the orientation applied.
        frames: the number of frames that validate counted.
        sample: validate's small copy of the first frame, see `sample.from_text`.
    """

    version: FileVersion
    format: Format
    width: int
    height: int
    frames: int
    sample: str

    @property
    def max_pixels(self) -> int:
        """The first frame's number of pixels; a header that declares more is rejected."""
        return self.width * self.height

    @classmethod
    def from_payload(cls, event: Mapping[str, Any]) -> ImageSource:
        """Read the payload of a transform."""
        request = TransformRequest.from_payload(event)
        return cls(
            version=request.version,
            format=FORMATS[request.media_type],
            **{name: int(request.measures[name]) for name in ("width", "height", "frames")},
            sample=request.sample,
        )


def image_rendition(name: str, stem: str, format: Format, size: tuple[int, int], body: bytes) -> Rendition:
    """An encoded image as a rendition.

    Args:
        name: unique within the file: "w320-webp".
        stem: the output's file name without extension: "w320".
        format: the format of `body`.
        size: width and height in pixels.
        body: the encoded image.
    """
    width, height = size
    return Rendition(
        name=name,
        file_name=f"{stem}{format.extension}",
        content_type=format.content_type,
        measures={"width": width, "height": height, "frames": 1},
        body=body,
    )
