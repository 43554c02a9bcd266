"""The most pixels for which the functions have memory, by an image's format, bit depth and transparency."""

from __future__ import annotations

import json
import mmap
from pathlib import Path

from contract.memory import MEMORY_KEYWORD
from functions.shared.formats import AVIF, HEIC, WEBP, Format

_FUNCTIONS = Path(__file__).resolve().parent.parent


def _bytes_per_pixel(schema: str) -> int:
    """Bytes of memory per pixel that the settings require, as a schema declares them."""
    return json.loads((_FUNCTIONS / schema).read_text(encoding="utf-8"))[MEMORY_KEYWORD]["maxPixels"]


DECODED_BYTES_PER_PIXEL = _bytes_per_pixel("validate/image.schema.json")
"""Memory of validate, thumbnail and metadata. WebP needs it: two canvases, of which Pillow makes two copies."""

WATERMARKED_BYTES_PER_PIXEL = _bytes_per_pixel("watermark/settings.schema.json")
"""Memory of watermark, which also encodes the image at full size."""

# Peak bytes per pixel by (format, more than 8 bits a sample, transparency): resident memory measured with detailed
# images of 12 megapixels, rounded up. Other kinds of images take at most the numbers above.
_DECODED = {
    (AVIF.content_type, True, True): 18,  # 17.6
    (HEIC.content_type, True, True): 22,  # 21.3
}
_WATERMARKED = {
    (
        WEBP.content_type,
        False,
        True,
    ): 42,  # 40.2 if colours and transparency are noise; most of it to encode transparency
}


def most_pixels(format: Format, *, is_deep: bool, has_alpha: bool, max_pixels: int) -> int:
    """The most pixels of an image of this kind for which every function has memory.

    Args:
        format: the image's format.
        is_deep: whether it has more than 8 bits a sample.
        has_alpha: whether it has an alpha channel.
        max_pixels: the most pixels that are accepted of any image, for which the settings require memory.
    """
    kind = (format.content_type, is_deep, has_alpha)
    decoded = max_pixels * DECODED_BYTES_PER_PIXEL // _DECODED.get(kind, DECODED_BYTES_PER_PIXEL)
    watermarked = max_pixels * WATERMARKED_BYTES_PER_PIXEL // _WATERMARKED.get(kind, WATERMARKED_BYTES_PER_PIXEL)
    return min(decoded, watermarked)


def is_short(pixels: int) -> bool:
    """Whether there is too little memory to decode so many pixels, which some decoders report as damaged data."""
    try:
        mmap.mmap(-1, max(1, pixels * DECODED_BYTES_PER_PIXEL), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        return True
    return False
