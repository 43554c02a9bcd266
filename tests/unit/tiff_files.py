"""TIFF files in any layout of samples, with the picture that they show.

Pillow can write only a few of the layouts that it reads, and would write them with the same errors.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIELAB = 0, 1, 2, 3, 5, 6, 8
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
UNSPECIFIED, ASSOCIATED, UNASSOCIATED, COREL_ALPHA = 0, 1, 2, 999
UNCOMPRESSED, DEFLATE = 1, 8

SIDE = 18
"""Width and height of the picture, which has one colour in each quadrant. Not a multiple of 8, so that rows of bits are
padded."""

_GREYS = [(step / 3, step / 3, step / 3) for step in range(4)]
_COLOURS = [(0.0, 0.0, 0.0), (1.0, 0.2, 0.4), (0.2, 0.6, 1.0), (1.0, 1.0, 1.0)]
_OPACITIES = [1.0, 0.6, 0.2, 1.0]


@dataclass(frozen=True, kw_only=True)
class TiffLayout:
    """How a file's samples are laid out, in the terms of TIFF Revision 6.0.

    Args:
        photometric: see the constants.
        bits: of each sample of a pixel.
        mark: "<" little-endian, ">" big-endian.
        sample_format: UNSIGNED, SIGNED or FLOAT.
        fill_order: 1, or 2 for bytes whose bits are reversed.
        extra: meaning of the samples beyond the colours.
        compression: UNCOMPRESSED or DEFLATE.
        is_planar: whether the samples are in separate planes.
        is_tiled: tiles of 16 by 16 instead of strips of 5 rows.
        colour_map_bits: 16, or 8 as some programs write.
    """

    photometric: int
    bits: tuple[int, ...]
    mark: str = "<"
    sample_format: int = UNSIGNED
    fill_order: int = 1
    extra: tuple[int, ...] = ()
    compression: int = UNCOMPRESSED
    is_planar: bool = False
    is_tiled: bool = False
    colour_map_bits: int = 16

    def picture(self) -> list[tuple[int, ...]]:
        """Red, green, blue and opacity of each quadrant, from left to right and top to bottom, 0 to 255."""
        return [tuple(round(255 * value) for value in quadrant) for quadrant in self._quadrants()]

    def body(self) -> bytes:
        """The file."""
        width, height = (16, 16) if self.is_tiled else (SIDE, 5)
        samples = range(len(self.bits))
        planes = [[index] for index in samples] if self.is_planar else [list(samples)]
        pieces = [
            self._piece(plane, left, top, width, height if self.is_tiled else min(height, SIDE - top))
            for plane in planes
            for top in range(0, SIDE, height)
            for left in range(0, SIDE, width)
        ]
        if self.compression == DEFLATE:
            pieces = [zlib.compress(piece) for piece in pieces]
        if self.fill_order == 2:
            pieces = [bytes(int(f"{byte:08b}"[::-1], 2) for byte in piece) for piece in pieces]
        fields: dict[int, tuple[str, Sequence[int]]] = {
            256: ("I", [SIDE]),
            257: ("I", [SIDE]),
            258: ("H", self.bits),
            259: ("H", [self.compression]),
            262: ("H", [self.photometric]),
            266: ("H", [self.fill_order]),
            277: ("H", [len(self.bits)]),
            284: ("H", [2 if self.is_planar else 1]),
            339: ("H", [self.sample_format] * len(self.bits)),
        }
        if self.is_tiled:
            fields |= {322: ("H", [width]), 323: ("H", [height])}
        else:
            fields[278] = ("H", [height])
        if self.extra:
            fields[338] = ("H", self.extra)
        if self.photometric == PALETTE:
            fields[320] = ("H", self._colour_map())
        if self.photometric == YCBCR:
            fields[530] = ("H", [1, 1])
        return _assembled(self.mark, fields, pieces, is_tiled=self.is_tiled)

    def _quadrants(self) -> list[tuple[float, ...]]:
        """Red, green, blue and opacity, 0 to 1, rounded to what the samples can represent."""
        is_grey = self.photometric in {WHITE_IS_ZERO, BLACK_IS_ZERO, CIELAB}
        is_grey = is_grey or (self.photometric == YCBCR and len(self.bits) == 1)
        colours = _GREYS if is_grey else _COLOURS
        if self.bits[0] == 1:
            colours = [colours[0], colours[0], colours[3], colours[3]]
        is_alpha = self.extra[:1] in {(ASSOCIATED,), (UNASSOCIATED,), (COREL_ALPHA,)} or (
            self.photometric == RGB and len(self.bits) == 4 and not self.extra
        )
        return [(*colour, opacity if is_alpha else 1.0) for colour, opacity in zip(colours, _OPACITIES, strict=True)]

    def _samples(self, quadrant: int) -> list[float]:
        """A pixel's samples, 0 to 1."""
        red, green, blue, opacity = self._quadrants()[quadrant]
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        match self.photometric:
            case 0:
                colours = [1 - red]
            case 1:
                colours = [red]
            case 2:
                colours = [red, green, blue]
            case 3:
                colours = [float(quadrant // 2) if self.bits[0] == 1 else quadrant / (2 ** self.bits[0] - 1)]
            case 5:
                colours = [1 - red, 1 - green, 1 - blue, 0.0]
            case 6:
                colours = [luma, 0.5 + (blue - luma) / 1.772, 0.5 + (red - luma) / 1.402][: len(self.bits)]
            case _:
                colours = [_lightness(red), 0.0, 0.0]
        if self.extra[:1] == (ASSOCIATED,):
            colours = [value * opacity for value in colours]
        return [*colours, *[_OPACITIES[quadrant]] * (len(self.bits) - len(colours))]

    def _piece(self, plane: list[int], left: int, top: int, width: int, height: int) -> bytes:
        return b"".join(
            self._row([2 * (y >= SIDE // 2) + (x >= SIDE // 2) for x in range(left, left + width)], plane)
            for y in range(top, top + height)
        )

    def _row(self, quadrants: list[int], plane: list[int]) -> bytes:
        values = [(self._samples(quadrant)[index], self.bits[index]) for quadrant in quadrants for index in plane]
        if self.sample_format == FLOAT:
            letter = {16: "e", 32: "f", 64: "d"}[self.bits[0]]
            return struct.pack(f"{self.mark}{len(values)}{letter}", *(value for value, _ in values))
        numbers = [(self._number(value, bits), bits) for value, bits in values]
        if self.bits[0] in {16, 32}:
            letter = {16: "H", 32: "I"}[self.bits[0]]
            row = struct.pack(f"{self.mark}{len(numbers)}{letter}", *(number for number, _ in numbers))
        else:
            digits = "".join(f"{number:0{bits}b}" for number, bits in numbers)
            digits += "0" * (-len(digits) % 8)
            row = bytes(int(digits[at : at + 8], 2) for at in range(0, len(digits), 8))
        return row

    def _number(self, value: float, bits: int) -> int:
        number = round(value * (2**bits - 1))
        return (number - 2 ** (bits - 1)) % 2**bits if self.sample_format == SIGNED else number

    def _colour_map(self) -> list[int]:
        size = 2 ** self.bits[0]
        scale = 257 if self.colour_map_bits == 16 else 1
        quadrants = self._quadrants()
        colours = [quadrants[0], quadrants[3]] if size == 2 else [*quadrants, *[(0.0,) * 4] * (size - 4)]
        return [scale * round(255 * colour[band]) for band in range(3) for colour in colours]


def _lightness(grey: float) -> float:
    """CIE L*, 0 to 1, of an sRGB grey."""
    linear = grey / 12.92 if grey <= 0.04045 else ((grey + 0.055) / 1.055) ** 2.4
    return (116 * linear ** (1 / 3) - 16) / 100 if linear > 0.008856 else 9.033 * linear


def _assembled(
    mark: str, fields: dict[int, tuple[str, Sequence[int]]], pieces: Sequence[bytes], *, is_tiled: bool
) -> bytes:
    """Header, directory, long values, then the picture's pieces."""
    fields = dict(fields)
    offsets, counts = (324, 325) if is_tiled else (273, 279)
    fields[offsets], fields[counts] = ("I", [0] * len(pieces)), ("I", [len(piece) for piece in pieces])
    values_at = 8 + 2 + 12 * len(fields) + 4
    pieces_at = values_at + sum(_padded(letter, values) for letter, values in fields.values())
    starts = [pieces_at + sum(map(len, pieces[:index])) for index in range(len(pieces))]
    fields[offsets] = ("I", starts)
    directory, long_values = b"", b""
    for tag, (letter, values) in sorted(fields.items()):
        data = struct.pack(f"{mark}{len(values)}{letter}", *values)
        directory += struct.pack(mark + "HHI", tag, {"H": 3, "I": 4}[letter], len(values))
        if len(data) <= 4:
            directory += data.ljust(4, b"\0")
        else:
            directory += struct.pack(mark + "I", values_at + len(long_values))
            long_values += data
    header = {"<": b"II*\0", ">": b"MM\0*"}[mark] + struct.pack(mark + "I", 8)
    return header + struct.pack(mark + "H", len(fields)) + directory + bytes(4) + long_values + b"".join(pieces)


def _padded(letter: str, values: Sequence[int]) -> int:
    """The number of bytes of a field outside the directory."""
    size = struct.calcsize(letter) * len(values)
    return size if size > 4 else 0
