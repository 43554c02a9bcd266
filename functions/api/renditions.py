"""What is shown of an asset's renditions: signed addresses, a thumbnail, a `srcset`."""

from __future__ import annotations

from collections.abc import Sequence

from contract.assets import WATERMARKED
from functions.api.configuration import processed_bucket
from functions.api.distribution import sends_renditions, signed_url
from functions.api.models import Rendition, Thumbnail
from functions.api.presigning import download
from functions.shared.rows import Row

THUMBNAIL_PIXELS = 320
"""Width that a thumbnail should have."""

_FOR_PAGES = ("image/webp", "image/jpeg", "image/png", "image/avif")
"""Media types of a `srcset`, which can hold one; the first that an asset has in several widths."""


def signed_renditions(asset: Row) -> list[Rendition]:
    """All renditions of an asset, the smallest first."""
    return [
        Rendition(
            name=each["name"],
            url=_url(each["key"]),
            media_type=each["contentType"],
            width=each["width"],
            height=each["height"],
            bytes=each["bytes"],
        )
        for each in sorted(asset["renditions"], key=lambda each: each["width"])
    ]


def _url(key: str) -> str:
    return signed_url(key) if sends_renditions() else download(processed_bucket(), key)


def handed_out(renditions: Sequence[Rendition]) -> str | None:
    """The address of the watermarked picture; of the largest rendition where nothing is watermarked."""
    marked = [each for each in renditions if each.name == WATERMARKED]
    return max(marked or renditions, key=lambda each: each.width * each.height).url if renditions else None


def for_pages(asset: Row) -> list[Rendition]:
    """The renditions of one media type that a page shows in the width it needs, the smallest first."""
    scaled = [each for each in asset["renditions"] if each["name"] != WATERMARKED]
    kind = next((kind for kind in _FOR_PAGES if any(each["contentType"] == kind for each in scaled)), None)
    return signed_renditions({"renditions": [each for each in scaled if each["contentType"] == kind]})


def srcset(renditions: Sequence[Rendition]) -> str | None:
    """The value of an img element's attribute."""
    return ", ".join(f"{each.url} {each.width}w" for each in renditions) or None


def thumbnail(renditions: Sequence[Rendition]) -> Thumbnail | None:
    """The smallest rendition of at least `THUMBNAIL_PIXELS`, otherwise the largest."""
    if not renditions:
        return None
    chosen = next((each for each in renditions if each.width >= THUMBNAIL_PIXELS), renditions[-1])
    return Thumbnail(url=chosen.url, width=chosen.width, height=chosen.height)
