"""Makes the part of a GIF's canvas that its first frame does not cover transparent, as browsers do."""

from __future__ import annotations

from PIL import Image, ImageFile

Box = tuple[int, int, int, int]


def covered(image: Image.Image) -> Box | None:
    """The box that the first frame covers if Pillow would fill the rest of the canvas; else None.

    Args:
        image: an opened image of any format, not loaded yet.
    """
    if image.format != "GIF" or not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return None
    box = image.tile[0].extents
    if box is None or box == (0, 0, *image.size) or "transparency" in image.info:
        return None  # Pillow fills the canvas with the frame's transparent colour
    return box


def clear_around(image: Image.Image, box: Box) -> Image.Image:
    """The loaded image in RGBA, transparent outside of the box."""
    alpha = Image.new("L", image.size)
    alpha.paste(255, box)
    picture = image.convert("RGBA")
    picture.putalpha(alpha)
    return picture
