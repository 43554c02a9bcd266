"""How many pixels fit the functions' memory: fewer of an image whose format, depth and transparency take more of it."""

from __future__ import annotations

import mmap

from contract.memory import DECODED_BYTES_PER_PIXEL, WATERMARKED_BYTES_PER_PIXEL
from functions.shared.formats import AVIF, HEIC, WEBP, Format

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
