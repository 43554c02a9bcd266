"""How many pixels fit the functions' memory: fewer of an image whose format, depth and transparency take more of it."""

from __future__ import annotations

import json
import mmap
from pathlib import Path

from contract.memory import MEMORY_KEYWORD
from functions.shared.formats import AVIF, HEIC, WEBP, Format

_FUNCTIONS = Path(__file__).resolve().parent.parent


def _provided(schema: str) -> int:
    """Bytes for each pixel that the settings provide, as a schema declares them."""
    return json.loads((_FUNCTIONS / schema).read_text(encoding="utf-8"))[MEMORY_KEYWORD]["maxPixels"]


DECODED_BYTES_PER_PIXEL = _provided("validate/image.schema.json")
"""What validate, thumbnail and metadata have: WebP is decoded to two canvases, of which Pillow makes two copies."""

WATERMARKED_BYTES_PER_PIXEL = _provided("watermark/settings.schema.json")
"""What watermark has, as it encodes the image at full size too."""

# Bytes for each pixel at the peak, measured as resident memory with 12 megapixels of detail, rounded up; what is not
# listed takes at most what the settings provide. (format, more than 8 bits a sample, transparency): bytes.
_DECODED = {
    (AVIF.content_type, True, True): 18,  # 17.6
    (HEIC.content_type, True, True): 22,  # 21.3
}
_WATERMARKED = {
    (
        WEBP.content_type,
        False,
        True,
    ): 42,  # 40.2 where colours and transparency are noise; most of it encodes the latter
}


def most_pixels(format: Format, *, is_deep: bool, has_alpha: bool, max_pixels: int) -> int:
    """The most pixels of an image of this kind that every function has memory for.

    Args:
        format: the image's format.
        is_deep: whether it has more than 8 bits a sample.
        has_alpha: whether it has an alpha channel.
        max_pixels: the most pixels that are accepted of any image; the settings provide memory for so many.
    """
    kind = (format.content_type, is_deep, has_alpha)
    decoded = max_pixels * DECODED_BYTES_PER_PIXEL // _DECODED.get(kind, DECODED_BYTES_PER_PIXEL)
    watermarked = max_pixels * WATERMARKED_BYTES_PER_PIXEL // _WATERMARKED.get(kind, WATERMARKED_BYTES_PER_PIXEL)
    return min(decoded, watermarked)


def is_short(pixels: int) -> bool:
    """Whether there is no memory to decode so many pixels: some decoders that run out of it say the data is damaged."""
    try:
        mmap.mmap(-1, max(1, pixels * DECODED_BYTES_PER_PIXEL), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        return True
    return False
