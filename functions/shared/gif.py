"""Shows a GIF's first frame as browsers do where it does not cover the canvas: the rest is transparent."""

from __future__ import annotations

from PIL import Image, ImageFile

Box = tuple[int, int, int, int]


def covered(image: Image.Image) -> Box | None:
    """What the first frame covers where that is not the whole canvas, and Pillow would paint the rest; else None.

    Args:
        image: an opened image of any format, not loaded yet.
    """
    if image.format != "GIF" or not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return None
    box = image.tile[0].extents
    if box is None or box == (0, 0, *image.size) or "transparency" in image.info:
        return None  # a frame that has a transparent colour is laid on that colour
    return box


def clear_around(image: Image.Image, box: Box) -> Image.Image:
    """The loaded image in RGBA, transparent outside of the box."""
    alpha = Image.new("L", image.size)
    alpha.paste(255, box)
    picture = image.convert("RGBA")
    picture.putalpha(alpha)
    return picture
