"""Reads the frames of an animated GIF or WebP as browsers show them, and encodes frames as an animated WebP."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from PIL import Image, ImageChops, ImageFile

from functions.shared import gif
from functions.shared.formats import GIF, WEBP

_ANIMATIONS = frozenset({GIF.pillow, WEBP.pillow})

# Browsers show a frame of at most 10 ms for 100 ms.
_SHORTEST_MS, _INSTEAD_MS = 10, 100

# WebP Container Specification, "Loop Count": 16 bits.
_MOST_LOOPS = 0xFFFF


def frame_count(image: ImageFile.ImageFile) -> int:
    """The number of frames of an opened animation; 1 for other files, and for pages of a document."""
    return getattr(image, "n_frames", 1) if image.format in _ANIMATIONS else 1


def loops(image: ImageFile.ImageFile) -> int:
    """How often an opened animation is played; 0 for endlessly."""
    if image.format == WEBP.pillow:
        return int(image.info["loop"])
    repeats = image.info.get("loop")  # after the first time (NETSCAPE2.0 application extension)
    return 1 if repeats is None else repeats and int(repeats) + 1


def frames(image: ImageFile.ImageFile) -> Iterator[tuple[Image.Image, int]]:
    """Each frame of an opened animation, in RGB or RGBA and of the first frame's size, and its milliseconds."""
    size = image.size
    area = Image.new("L", size) if gif.covered(image) else None
    for index in range(frame_count(image)):
        image.seek(index)
        box = image.tile[0].extents if area else None
        image.load()
        has_alpha = area is not None or image.has_transparency_data
        picture = image.convert("RGBA" if has_alpha else "RGB")
        if picture.size != size:  # Pillow enlarges the canvas for a frame outside of it
            picture = picture.crop((0, 0, *size))
        if area:
            area.paste(255, box)
            picture.putalpha(ImageChops.multiply(picture.getchannel("A"), area))
        milliseconds = int(image.info.get("duration", 0))
        yield picture, milliseconds if milliseconds > _SHORTEST_MS else _INSTEAD_MS


def animated_webp(pictures: Sequence[Image.Image], milliseconds: Sequence[int], *, loop: int, quality: int) -> bytes:
    """Encode frames of one size, without metadata of the source.

    Args:
        pictures: RGB or RGBA, in sRGB; at least two.
        milliseconds: of each.
        loop: how often to play them; 0 for endlessly.
        quality: 1 to 95.
    """
    for picture in pictures:
        picture.info = {}
    body = io.BytesIO()
    pictures[0].save(
        body,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=list(milliseconds),
        loop=min(loop, _MOST_LOOPS),
        quality=quality,
        method=2,
    )
    return body.getvalue()
