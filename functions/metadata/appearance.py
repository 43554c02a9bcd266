"""Describes an image's appearance: its dominant colours, and a hash that is similar for similar pictures."""

from __future__ import annotations

from PIL import Image

_COLOURS = 5
_OPAQUE = 128


def dominant_colours(image: Image.Image) -> list[str]:
    """Up to five colours as "#rrggbb", the most frequent first, by median cut; transparent pixels do not count.

    Args:
        image: mode RGB or RGBA, small.
    """
    pixels = image.convert("RGBA").tobytes()
    opaque = b"".join(pixels[at : at + 3] for at in range(0, len(pixels), 4) if pixels[at + 3] >= _OPAQUE)
    if not opaque:
        return []
    strip = Image.frombytes("RGB", (len(opaque) // 3, 1), opaque)
    quantized = strip.quantize(_COLOURS, Image.Quantize.MEDIANCUT)
    shares = quantized.histogram()[:_COLOURS]
    palette = bytes(quantized.getpalette() or [])
    ranked = sorted(range(_COLOURS), key=lambda index: shares[index], reverse=True)
    return [f"#{palette[3 * index : 3 * index + 3].hex()}" for index in ranked if shares[index]]


def perceptual_hash(image: Image.Image) -> str:
    """A 64-bit difference hash as 16 hex digits; it changes in few bits when an image is scaled or compressed.

    Each bit is 1 if a cell of an 8 by 8 grid is darker than its right neighbour ("Kind of Like That", N. Krawetz).

    Args:
        image: mode L, RGB or RGBA, upright, small: each of its pixels becomes 72.
    """
    # A filter gives a pixel to one cell as a whole, which is too coarse for a small picture; so its pixels are divided.
    divided = image.convert("L").resize((9 * image.width, 8 * image.height), Image.Resampling.NEAREST)
    cells = divided.reduce(image.size).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            at = 9 * row + column
            bits = bits << 1 | (cells[at] < cells[at + 1])
    return f"{bits:016x}"
