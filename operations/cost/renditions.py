"""What one rendition of a picture takes: time to encode it, and bytes to store."""

from __future__ import annotations

import math

from contract.renditions import ATTENTION, MAX_ANIMATED_PIXELS, RenditionSpec
from operations.cost.measurements import Measurements
from operations.cost.prices import MILLION


def encoding_seconds(spec: RenditionSpec, measured: Measurements, frames: int = 1) -> float:
    """CPU seconds of the measured core, apart from reading and scaling the picture.

    Args:
        spec: the rendition.
        measured: what was measured.
        frames: of the picture; more than one for an animation.
    """
    seconds = measured.cpu_seconds
    found = seconds.per_attention * (spec.focal_point == ATTENTION)
    if is_animated(spec, frames):
        return found + seconds.per_animated_megapixel[spec.format] * frames * megapixels(spec)
    return found + seconds.per_rendition_megapixel[spec.format] * megapixels(spec)


def stored_bytes(spec: RenditionSpec, measured: Measurements, frames: int = 1) -> float:
    """Bytes of the rendition, see `encoding_seconds`."""
    if is_animated(spec, frames):
        return measured.animated_bytes_per_megapixel[spec.format] * frames * megapixels(spec)
    return measured.rendition_bytes_per_megapixel[spec.format] * megapixels(spec)


def is_animated(spec: RenditionSpec, frames: int) -> bool:
    """Whether the rendition has all frames of the picture; else it has the first."""
    return spec.animated and frames > 1 and frames * megapixels(spec) * MILLION <= MAX_ANIMATED_PIXELS


def megapixels(spec: RenditionSpec) -> float:
    """Of one frame, if the picture is 3:2 and larger."""
    height = spec.height or math.inf
    if spec.fit == "cover":
        return spec.width * height / MILLION
    width = min(spec.width, 1.5 * height)
    return width * width / 1.5 / MILLION
