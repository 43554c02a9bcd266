"""What one rendition of an image is: the specification that presets and orders share."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

RenditionFormat = Literal["jpeg", "webp", "avif", "png", "gif"]
Fit = Literal["inside", "cover"]

RENDITION_FORMATS: tuple[RenditionFormat, ...] = get_args(RenditionFormat)
FITS: tuple[Fit, ...] = get_args(Fit)

MIN_SIDE, MAX_SIDE = 16, 8192
"""Pixels of a rendition's width and height."""

ANIMATED_FORMATS: tuple[RenditionFormat, ...] = ("webp", "gif")

MAX_ANIMATED_PIXELS = 25_000_000
"""Most pixels of an animated rendition, summed over its frames, which are in memory together. The rendition of an
animation that has more is its first frame."""

MIN_QUALITY, MAX_QUALITY = 1, 95

CENTER, ATTENTION = "center", "attention"
"""Focal points without coordinates: the image's centre, and the part that viewers look at first."""

FOCAL_POINT_METADATA = "focal-point"
"""Name of an upload's metadata, `x-amz-meta-focal-point`: a point of the image that presets keep in view."""

_SHARE = r"(0(?:\.[0-9]{1,6})?|1(?:\.0{1,6})?)"
POINT_PATTERN = f"^{_SHARE},{_SHARE}$"
"""A regular expression of focal points such as `0.3,0.7`."""


def focal_point(text: str) -> tuple[float, float] | None:
    """The point that `0.3,0.7` names, shares of width and height from the top left; None if it names none."""
    match = re.fullmatch(POINT_PATTERN, text.replace(" ", ""))
    return (float(match[1]), float(match[2])) if match else None


@dataclass(frozen=True, kw_only=True)
class RenditionSpec:
    """One rendition.

    Args:
        format: what it is encoded as.
        width: in pixels; an image is never enlarged.
        height: in pixels; None for any with `inside`.
        fit: `inside` scales the whole image to at most `width` and `height`; `cover` fills them, and crops the rest.
        focal_point: what `cover` keeps in view: `center`, `attention`, or a point such as `0.3,0.7`.
        animated: keep an animated GIF or WebP animated, up to `MAX_ANIMATED_PIXELS`; only with `ANIMATED_FORMATS`.
        quality: 1 to 95; PNG and GIF have none.

    Raises:
        ValueError: a value is not accepted; the message names it.
    """

    format: RenditionFormat
    width: int
    height: int | None = None
    fit: Fit = "inside"
    focal_point: str = CENTER
    animated: bool = False
    quality: int = 82

    def __post_init__(self) -> None:
        for name, value in (("width", self.width), ("height", self.height)):
            if value is not None and not MIN_SIDE <= value <= MAX_SIDE:
                raise ValueError(f"{name} is {value}; {MIN_SIDE} to {MAX_SIDE} is accepted")
        if not MIN_QUALITY <= self.quality <= MAX_QUALITY:
            raise ValueError(f"quality is {self.quality}; {MIN_QUALITY} to {MAX_QUALITY} is accepted")
        for name, value, accepted in (("format", self.format, RENDITION_FORMATS), ("fit", self.fit, FITS)):
            if value not in accepted:
                raise ValueError(f"{name} is {value!r}; one of {', '.join(accepted)} is accepted")
        if self.animated and self.format not in ANIMATED_FORMATS:
            raise ValueError(f"animated is true; only {' and '.join(ANIMATED_FORMATS)} can be")
        if self.fit == "cover" and self.height is None:
            raise ValueError("height is missing; fit cover needs it")
        if self.focal_point not in (CENTER, ATTENTION) and focal_point(self.focal_point) is None:
            raise ValueError(
                f"focalPoint is {self.focal_point!r}; {CENTER}, {ATTENTION} or a point such as 0.3,0.7 is accepted"
            )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RenditionSpec:
        """Read {format, width, height?, fit?, focalPoint?, animated?, quality?}.

        Raises:
            ValueError: a value is not accepted.
            KeyError: format or width is missing.
        """
        given = {name: value[key] for name, key in _KEYS.items() if key in value}
        return cls(format=value["format"], width=value["width"], **given)

    def to_json(self) -> dict[str, Any]:
        """As `from_json` reads it, without the height if there is none."""
        values = dataclasses.asdict(self)
        return {_KEYS.get(name, name): each for name, each in values.items() if each is not None}

    @property
    def id(self) -> str:
        """A name for the rendition, which equal specifications share: 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]


_KEYS = {"height": "height", "fit": "fit", "focal_point": "focalPoint", "animated": "animated", "quality": "quality"}
"""The optional fields, by their names in JSON."""
