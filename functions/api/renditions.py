"""What is shown of an asset's renditions: signed addresses, a thumbnail, a `srcset`."""

from __future__ import annotations

from collections.abc import Sequence

from contract.assets import WATERMARKED
from functions.api.configuration import processed_bucket
from functions.api.distribution import sends_renditions, signed_url
from functions.api.models import Picture, Rendition, Thumbnail
from functions.api.presigning import download
from functions.shared.rows import Row

THUMBNAIL_PIXELS = 320
"""Width that a thumbnail should have."""

_FOR_PAGES = ("image/webp", "image/jpeg", "image/png", "image/avif", "image/gif")
"""Media types of a `srcset`, which can hold one; the first that an asset has in several widths."""


def signed_renditions(asset: Row) -> list[Picture | Rendition]:
    """All renditions of an asset, the smallest image first."""
    return [_signed(each) for each in sorted(asset["renditions"], key=lambda each: each.get("width", 0))]


def _signed(rendition: Row) -> Picture | Rendition:
    if "width" in rendition:
        return _signed_picture(rendition)
    return Rendition(
        name=rendition["name"],
        url=_url(rendition["key"]),
        media_type=rendition["contentType"],
        bytes=rendition["bytes"],
    )


def _signed_picture(rendition: Row) -> Picture:
    return Picture(
        name=rendition["name"],
        url=_url(rendition["key"]),
        media_type=rendition["contentType"],
        bytes=rendition["bytes"],
        width=rendition["width"],
        height=rendition["height"],
        animated=rendition.get("frames", 1) > 1,
    )


def _url(key: str) -> str:
    return signed_url(key) if sends_renditions() else download(processed_bucket(), key)


def handed_out(renditions: Sequence[Rendition]) -> str | None:
    """The address of the watermarked picture; of the largest rendition where nothing is watermarked."""
    marked = [each for each in renditions if each.name == WATERMARKED]
    return max(marked or renditions, key=_largeness).url if renditions else None


def _largeness(rendition: Rendition) -> tuple[int, int]:
    pixels = rendition.width * rendition.height if isinstance(rendition, Picture) else 0
    return pixels, rendition.bytes


def for_pages(asset: Row) -> list[Picture]:
    """The renditions of one media type that a page shows in the width it needs, the smallest first; none is cropped."""
    scaled = [
        each for each in asset["renditions"] if each["name"] != WATERMARKED and _is_whole(each, asset["measures"])
    ]
    kind = next((kind for kind in _FOR_PAGES if any(each["contentType"] == kind for each in scaled)), None)
    shown = [_signed_picture(each) for each in scaled if each["contentType"] == kind]
    return sorted(shown, key=lambda each: each.width)


def _is_whole(rendition: Row, image: Row) -> bool:
    """Whether a rendition has the image's aspect ratio, up to the rounding of its size to whole pixels."""
    if "width" not in image or "width" not in rendition:
        return False
    width, height = image["width"], image["height"]
    return abs(rendition["width"] * height - rendition["height"] * width) <= max(width, height)


def srcset(renditions: Sequence[Picture]) -> str | None:
    """The value of an img element's attribute."""
    return ", ".join(f"{each.url} {each.width}w" for each in renditions) or None


def thumbnail(renditions: Sequence[Picture]) -> Thumbnail | None:
    """The smallest rendition of at least `THUMBNAIL_PIXELS`, otherwise the largest."""
    if not renditions:
        return None
    chosen = next((each for each in renditions if each.width >= THUMBNAIL_PIXELS), renditions[-1])
    return Thumbnail(url=chosen.url, width=chosen.width, height=chosen.height)
