"""The size that an image is scaled to for a rendition, and the part of it that is kept."""

from __future__ import annotations

from contract.renditions import RenditionSpec

Size = tuple[int, int]
Point = tuple[float, float]
"""Shares of a picture's width and height, from its top left."""
Box = tuple[int, int, int, int]

# WebP Container Specification: width and height are stored in 14 bits.
WEBP_LONGEST_SIDE = 16383
"""The longest side of a WebP that can be encoded; an animation's canvas may declare a longer one."""

CENTER_POINT: Point = (0.5, 0.5)


def scaled_size(full: Size, spec: RenditionSpec) -> Size:
    """The size that the whole image is scaled to, before it is cropped; never larger than the image.

    Args:
        full: the upright image's size.
        spec: the rendition.
    """
    shares = [spec.width / full[0]]
    if spec.height:
        shares.append(spec.height / full[1])
    wanted = max(shares) if spec.fit == "cover" else min(shares)
    scale = min(1.0, wanted, WEBP_LONGEST_SIDE / max(full))
    return max(1, round(full[0] * scale)), max(1, round(full[1] * scale))


def crop_size(scaled: Size, spec: RenditionSpec) -> Size:
    """The rendition's size: the whole image, or its largest part with the aspect ratio that `cover` fills.

    Args:
        scaled: see `scaled_size`.
        spec: the rendition.
    """
    if spec.fit == "inside" or spec.height is None:
        return scaled
    share = min(1.0, scaled[0] / spec.width, scaled[1] / spec.height)
    return max(1, round(spec.width * share)), max(1, round(spec.height * share))


def crop_box(scaled: Size, size: Size, point: Point) -> Box:
    """The box of a size, inside of the image, whose centre is as near to the focal point as possible.

    Args:
        scaled: the image's size.
        size: the box's size.
        point: the focal point.
    """
    left, top = (
        min(max(0, round(share * whole - part / 2)), whole - part)
        for share, whole, part in zip(point, scaled, size, strict=True)
    )
    return left, top, left + size[0], top + size[1]
