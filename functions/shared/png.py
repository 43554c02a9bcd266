"""Corrects a PNG's transparent colour if Pillow converts the samples' bit depth, but not that of the colour."""

from __future__ import annotations

from PIL import Image, ImageChops, ImageFile

_GREY_SCALES = {"L;2": 85, "L;4": 17}
"""Pillow's factors for samples of 2 and 4 bits, by its name of their layout."""


def scale_transparent_colour(image: Image.Image) -> None:
    """Convert the transparent colour to the 8 bits that the samples are decoded to.

    Args:
        image: an opened image of any format, not loaded yet; its info is changed.
    """
    colour = image.info.get("transparency")
    if image.format != "PNG" or not isinstance(image, ImageFile.ImageFile) or not image.tile or colour is None:
        return
    layout = image.tile[0].args
    if layout in _GREY_SCALES:
        image.info["transparency"] = colour * _GREY_SCALES[layout]
    elif layout == "RGB;16B":
        image.info["transparency"] = tuple(sample >> 8 for sample in colour)


def grey_with_alpha(image: Image.Image) -> Image.Image:
    """Convert 16-bit grey with a transparent grey to RGBA; samples are compared with it at 16 bits.

    Args:
        image: loaded, mode I;16, little-endian, with `transparency` in its info (PNG Specification, 11.3.1.1).
    """
    transparent = int(image.info["transparency"])
    low, high = Image.frombytes("LA", image.size, image.tobytes()).split()
    is_low = low.point([255 * (value == transparent & 0xFF) for value in range(256)])
    is_high = high.point([255 * (value == transparent >> 8) for value in range(256)])
    alpha = ImageChops.invert(ImageChops.multiply(is_low, is_high))
    return Image.merge("RGBA", (high, high, high, alpha))
