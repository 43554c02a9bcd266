"""Encodes pictures as a GIF: one palette for all frames, dithered, and of each frame only what changes.

What a frame shows is not read again from its encoded bytes: a pixel that does not change in the picture keeps its
index, so that the dither of what stands still does not flicker.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from PIL import GifImagePlugin, Image, ImageChops

Box = tuple[int, int, int, int]

# One index of 256 is left for what is transparent or does not change.
_COLOURS, _TRANSPARENT = 255, 255
_OPAQUE_FROM = 128
# The palette is chosen from so many pixels, of at most so many frames.
_SAMPLED_PIXELS, _SAMPLED_FRAMES = 1 << 18, 16

# GIF89a Specification, 23 "Graphic Control Extension": what happens to a frame when its time is over.
_KEEP, _CLEAR = 1, 2
# Browsers show frames of less than 20 ms for 100 ms. Durations and repetitions have 16 bits.
_SHORTEST, _LARGEST = 2, 0xFFFF


def gif(pictures: Sequence[Image.Image], milliseconds: Sequence[int], *, loop: int) -> bytes:
    """Encode frames of one size; a pixel is transparent or opaque, whichever is nearer.

    Args:
        pictures: L, RGB or RGBA, in sRGB; a still picture is a single one.
        milliseconds: of each frame.
        loop: how often to play them; 0 for endlessly.
    """
    palette = _shared_palette(pictures)
    is_transparent = any(_mask(picture) is not None for picture in pictures)
    parts = [_header(pictures[0].size, palette, loop)]
    for (indices, box), duration in zip(
        _frames(pictures, palette, is_transparent=is_transparent), _centiseconds(milliseconds), strict=True
    ):
        parts += GifImagePlugin.getdata(
            indices.crop(box),
            box[:2],
            duration=10 * duration,
            disposal=_CLEAR if is_transparent else _KEEP,
            transparency=_TRANSPARENT,
        )
    return b"".join([*parts, b";"])


def _frames(
    pictures: Sequence[Image.Image], palette: Image.Image, *, is_transparent: bool
) -> Iterator[tuple[Image.Image, Box]]:
    """The indices of each frame, and the box of it that has to be drawn."""
    before: tuple[Image.Image, Image.Image] | None = None
    for picture in pictures:
        opaque = _opaque(picture)
        indices = Image.frombytes("L", picture.size, opaque.quantize(palette=palette).tobytes())
        if before is not None:
            indices.paste(before[1], mask=_equal(opaque, before[0]))
        if (mask := _mask(picture)) is not None:
            indices.paste(_TRANSPARENT, mask=ImageChops.invert(mask))
        drawn = indices
        if before is not None and not is_transparent:
            drawn = indices.copy()
            drawn.paste(_TRANSPARENT, mask=_equal(indices, before[1]))
        everything = (0, 0, *picture.size)
        yield drawn, everything if before is None else _box_of_colours(drawn)
        before = opaque, indices


def _mask(picture: Image.Image) -> Image.Image | None:
    """255 where a picture is opaque; None if it is everywhere."""
    if picture.mode != "RGBA":
        return None
    mask = picture.getchannel("A").point([255 * (alpha >= _OPAQUE_FROM) for alpha in range(256)])
    return None if mask.getextrema() == (255, 255) else mask


def _opaque(picture: Image.Image) -> Image.Image:
    """The picture in RGB, white where it is transparent, so that no dither spreads from there."""
    mask = _mask(picture)
    if mask is None:
        return picture.convert("RGB")
    opaque = Image.new("RGB", picture.size, "white")
    opaque.paste(picture.convert("RGB"), mask=mask)
    return opaque


def _equal(one: Image.Image, other: Image.Image) -> Image.Image:
    """255 where two pictures of one mode are equal."""
    bands = ImageChops.difference(one, other).split()
    difference = bands[0]
    for band in bands[1:]:
        difference = ImageChops.lighter(difference, band)
    return difference.point([255] + 255 * [0])


def _box_of_colours(indices: Image.Image) -> Box:
    """The box that holds all that is not transparent; a single pixel if everything is."""
    return ImageChops.invert(indices).getbbox() or (0, 0, 1, 1)


def _shared_palette(pictures: Sequence[Image.Image]) -> Image.Image:
    """A picture with the palette."""
    count = min(len(pictures), _SAMPLED_FRAMES)
    samples = [_sample(pictures[index * len(pictures) // count], _SAMPLED_PIXELS // count) for index in range(count)]
    sheet = Image.new("RGB", (samples[0].width, sum(sample.height for sample in samples)))
    for index, sample in enumerate(samples):
        sheet.paste(sample, (0, index * sample.height))
    return sheet.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT)


def _sample(picture: Image.Image, pixels: int) -> Image.Image:
    scale = min(1.0, math.sqrt(pixels / math.prod(picture.size)))
    size = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
    return _opaque(picture.resize(size, Image.Resampling.NEAREST))


def _centiseconds(milliseconds: Sequence[int]) -> list[int]:
    """The unit of a GIF, rounded so that the frames do not drift from those of the source."""
    ends = [round(end / 10) for end in accumulate(milliseconds, initial=0)]
    return [min(max(_SHORTEST, after - before), _LARGEST) for before, after in pairwise(ends)]


def _header(size: tuple[int, int], palette: Image.Image, loop: int) -> bytes:
    """What precedes the frames, with a global colour table of 256 entries (GIF89a Specification, 17 to 19)."""
    colours = bytes(palette.getpalette() or ())[: 3 * _COLOURS].ljust(3 * 256, b"\0")
    screen = b"GIF89a" + _two_bytes(size[0]) + _two_bytes(size[1]) + b"\xf7\0\0"
    if loop == 1:
        return screen + colours
    repetitions = min(loop - 1, _LARGEST) if loop else 0
    return screen + colours + b"!\xff\x0bNETSCAPE2.0\x03\x01" + _two_bytes(repetitions) + b"\0"


def _two_bytes(number: int) -> bytes:
    return number.to_bytes(2, "little")
