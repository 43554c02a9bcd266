"""What the settings provide of memory, and what validate holds images to, so that every accepted image fits.

The bytes for each pixel are what most formats take at the peak, measured as resident memory with images of 12
megapixels; validate accepts fewer pixels of those that take more (`functions/validate/memory.py`).
"""

import math

FUNCTION_MB = 128
"""What a function takes itself, with its libraries."""

DECODED_BYTES_PER_PIXEL = 16
"""What validate, thumbnail and metadata take for each pixel: WebP is decoded to two canvases, of which Pillow makes two
copies."""

WATERMARKED_BYTES_PER_PIXEL = 32
"""What watermark takes for each pixel, as it encodes the image at full size too."""


def needed_mb(*, max_bytes: int, max_pixels: int, bytes_per_pixel: int) -> int:
    """Megabytes of memory that a function needs for the largest file of the most pixels."""
    return FUNCTION_MB + math.ceil((max_bytes + bytes_per_pixel * max_pixels) / 2**20)
