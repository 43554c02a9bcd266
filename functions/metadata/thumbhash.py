"""A placeholder of about 25 bytes, as described in "ThumbHash: A very compact representation of an image placeholder".

The picture becomes a few low frequencies (a discrete cosine transform) of its lightness, of two colour differences
and of its opacity, four bits each, behind a header with the averages.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

_LARGEST_SIDE = 48
"""In pixels. Enough for frequencies up to 7, the highest that are stored; the format allows 100."""

_Plane = list[list[float]]


@dataclass(frozen=True)
class _Channel:
    """A plane's average, its other frequencies scaled to 0 to 1, and the scale."""

    average: float
    frequencies: Sequence[float]
    scale: float


def thumb_hash(image: Image.Image) -> bytes:
    """The ThumbHash of an image.

    Args:
        image: mode RGB or RGBA, of any size.
    """
    small = image.convert("RGBA")
    small.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE), Image.Resampling.BOX)
    width, height = small.size
    lightness, yellow_blue, red_green, opacity = _planes(small)
    has_alpha = any(value < 1 for row in opacity for value in row)
    limit = 5 if has_alpha else 7
    columns = max(1, _round(limit * width / max(width, height)))
    rows = max(1, _round(limit * height / max(width, height)))

    light = _frequencies(lightness, max(3, columns), max(3, rows))
    yellow = _frequencies(yellow_blue, 3, 3)
    red = _frequencies(red_green, 3, 3)
    is_landscape = width > height

    header = (
        _round(63 * light.average)
        | _round(31.5 + 31.5 * yellow.average) << 6
        | _round(31.5 + 31.5 * red.average) << 12
        | _round(31 * light.scale) << 18
        | has_alpha << 23
        | (rows if is_landscape else columns) << 24
        | _round(63 * yellow.scale) << 27
        | _round(63 * red.scale) << 33
        | is_landscape << 39
    )
    encoded = header.to_bytes(5, "little")
    nibbles = [*light.frequencies, *yellow.frequencies, *red.frequencies]
    if has_alpha:
        solid = _frequencies(opacity, 5, 5)
        encoded += bytes([_round(15 * solid.average) | _round(15 * solid.scale) << 4])
        nibbles += solid.frequencies
    return encoded + _packed(nibbles)


def _planes(image: Image.Image) -> tuple[_Plane, _Plane, _Plane, _Plane]:
    """Lightness, yellow-blue and red-green differences, and opacity, composited over the picture's average colour."""
    pixels = image.tobytes()
    width, height = image.size
    colours = [tuple(value / 255 for value in pixels[at : at + 4]) for at in range(0, len(pixels), 4)]
    weight = sum(alpha for *_, alpha in colours)
    average = tuple(
        sum(colour[band] * colour[3] for colour in colours) / weight if weight else 0.0 for band in range(3)
    )
    planes: tuple[_Plane, _Plane, _Plane, _Plane] = ([], [], [], [])
    for y in range(height):
        line = []
        for *colour, alpha in colours[y * width : (y + 1) * width]:
            red, green, blue = (base * (1 - alpha) + own * alpha for base, own in zip(average, colour, strict=True))
            line.append(((red + green + blue) / 3, (red + green) / 2 - blue, red - green, alpha))
        for plane, values in zip(planes, zip(*line, strict=True), strict=True):
            plane.append(list(values))
    return planes


def _frequencies(plane: _Plane, columns: int, rows: int) -> _Channel:
    """The low frequencies of the cosine transform, a triangle of its coefficients, row by row."""
    height, width = len(plane), len(plane[0])
    across = [[math.cos(math.pi / width * u * (x + 0.5)) for x in range(width)] for u in range(columns)]
    down = [[math.cos(math.pi / height * v * (y + 0.5)) for y in range(height)] for v in range(rows)]
    by_row = [[_dot(line, wave) for line in plane] for wave in across]
    found = [
        _dot(by_row[u], down[v]) / (width * height)
        for v in range(rows)
        for u in range(columns)
        if u * rows < columns * (rows - v)
    ]
    average, others = found[0], found[1:]
    scale = max(map(abs, others), default=0.0)
    return _Channel(average, [0.5 + 0.5 * value / scale for value in others] if scale else others, scale)


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(map(operator.mul, left, right))


def _packed(values: Sequence[float]) -> bytes:
    """Pack two values of four bits into each byte, the first in the low half."""
    nibbles = [_round(15 * value) for value in values]
    if len(nibbles) % 2:
        nibbles.append(0)
    return bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _round(value: float) -> int:
    """Round half up, as the format specifies; Python's `round` rounds half to even."""
    return math.floor(value + 0.5)
