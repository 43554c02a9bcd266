"""Malformed pictures: valid ones of every format with parts damaged, and files that are made to cost much."""

from __future__ import annotations

import functools
import random
import struct
import zlib
from collections.abc import Callable

from PIL import Image

from functions.shared.formats import AVIF, GIF, HEIC, JPEG, PNG, TIFF, WEBP, Format
from tests.hostile.containers import (
    BOXES,
    JPEG_SEGMENTS,
    PNG_CHUNKS,
    WEBP_CHUNKS,
    Container,
    changed_box,
    rearranged,
)
from tests.hostile.damage import EXTREMES, damaged
from tests.hostile.inputs import PICTURE, HostileInput
from tests.unit.pictures import animation, exif_with_gps, file_of, gradient, png_chunk, png_declaring, swapped_profile
from tests.unit.tiff_files import ASSOCIATED, BLACK_IS_ZERO, DEFLATE, PALETTE, RGB, WHITE_IS_ZERO, TiffLayout

Body = tuple[Format, bytes]

_CONTAINERS: dict[Format, Container] = {
    PNG: PNG_CHUNKS,
    WEBP: WEBP_CHUNKS,
    JPEG: JPEG_SEGMENTS,
    AVIF: BOXES,
    HEIC: BOXES,
}
_MOVING = (GIF, PNG, WEBP, TIFF, AVIF)
# Sides that multiply to a few pixels, to about the limit, and to far more.
_SIDES = (0, 1, 2, 999, 1999, 2001, 4001, 16384, 32769, 65535)


@functools.cache
def valid_pictures() -> tuple[Body, ...]:
    """Small valid files, at least one for each decoder's variant."""
    small = gradient((48, 32))
    exif, profile = exif_with_gps(6).tobytes(), swapped_profile()
    transparent = small.convert("RGBA")
    transparent.putalpha(Image.linear_gradient("L").resize(small.size))
    return (
        (JPEG, file_of(small, JPEG, exif=exif, icc_profile=profile)),
        (JPEG, file_of(small, JPEG, progressive=True)),
        (JPEG, file_of(small, JPEG, restart_marker_blocks=3)),
        (JPEG, file_of(small.convert("CMYK"), JPEG)),
        (PNG, file_of(transparent, PNG, exif=exif, icc_profile=profile)),
        (PNG, file_of(small.quantize(8), PNG, transparency=3)),
        (PNG, animation(3, format=PNG)),
        (WEBP, file_of(small, WEBP, exif=exif, icc_profile=profile)),
        (WEBP, file_of(transparent, WEBP, lossless=True)),
        (WEBP, animation(3, format=WEBP)),
        (GIF, animation(4)),
        (GIF, file_of(small.quantize(16), GIF, transparency=3)),
        (TIFF, file_of(small, TIFF, exif=exif_with_gps(6))),
        (TIFF, file_of(small, TIFF, compression="tiff_lzw")),
        (TIFF, file_of(small, TIFF, compression="jpeg")),
        (TIFF, file_of(small.convert("1"), TIFF, compression="group4")),
        (TIFF, animation(3, format=TIFF)),
        (TIFF, TiffLayout(photometric=BLACK_IS_ZERO, bits=(8, 8), extra=(ASSOCIATED,)).body()),
        (TIFF, TiffLayout(photometric=WHITE_IS_ZERO, bits=(16,)).body()),
        (TIFF, TiffLayout(photometric=RGB, bits=(16, 16, 16), is_planar=True).body()),
        (TIFF, TiffLayout(photometric=PALETTE, bits=(4,), is_tiled=True, compression=DEFLATE).body()),
        (AVIF, file_of(small, AVIF, exif=exif, icc_profile=profile)),
        (AVIF, file_of(transparent, AVIF)),
        (AVIF, animation(3, (16, 16), AVIF)),
        (HEIC, file_of(small, HEIC, exif=exif)),
        (HEIC, file_of(transparent, HEIC, save_all=True, append_images=[gradient((32, 24))])),
    )


def picture(rng: random.Random) -> HostileInput:
    """One malformed picture."""
    make = rng.choice(_KINDS)
    format, body = make(rng)
    kind = make.__name__.strip("_")
    name = f"hostile{format.extension}" if rng.random() < 0.9 else "hostile"
    return HostileInput(family=PICTURE, kind=f"{kind} {format.pillow}", body=body, name=name)


def _valid(rng: random.Random) -> Body:
    return rng.choice(valid_pictures())


def _damaged(rng: random.Random) -> Body:
    format, body = _valid(rng)
    return format, damaged(rng, body)


def _rearranged(rng: random.Random) -> Body:
    """One or two parts changed, with valid lengths and checksums."""
    format, body = rng.choice([each for each in valid_pictures() if each[0] in _CONTAINERS])
    for _ in range(rng.randint(1, 2)):
        body = rearranged(rng, body, _CONTAINERS[format])
    return format, body


def _changed_box(rng: random.Random) -> Body:
    format, body = rng.choice([each for each in valid_pictures() if each[0] in (AVIF, HEIC)])
    for _ in range(rng.randint(1, 2)):
        body = changed_box(rng, body)
    return format, body


def _directory_entry(rng: random.Random) -> Body:
    """A TIFF with one field of a directory changed, or with a directory that follows itself."""
    format, body = rng.choice([each for each in valid_pictures() if each[0] is TIFF])
    mark = "<" if body[:2] == b"II" else ">"
    changed = bytearray(body)
    (first,) = struct.unpack_from(mark + "I", body, 4)
    (count,) = struct.unpack_from(mark + "H", body, first)
    at = first + 2 + 12 * rng.randrange(count)
    match rng.choice(("tag", "type", "count", "value", "value", "next", "entries")):
        case "tag":
            struct.pack_into(
                mark + "H", changed, at, rng.choice((256, 257, 258, 273, 279, 320, 330, 34665, 34853, 0xFFFF))
            )
        case "type":
            struct.pack_into(mark + "H", changed, at + 2, rng.randrange(20))
        case "count":
            struct.pack_into(mark + "I", changed, at + 4, rng.choice(EXTREMES))
        case "value":
            struct.pack_into(mark + "I", changed, at + 8, rng.choice((*EXTREMES, first, at, len(body) - 1)))
        case "next":
            struct.pack_into(mark + "I", changed, first + 2 + 12 * count, rng.choice((first, at, 0xFFFFFFFF)))
        case _:
            struct.pack_into(mark + "H", changed, first, rng.choice((0, 1, count + 1, 0xFFFF)))
    return format, bytes(changed)


def _declared_size(rng: random.Random) -> Body:
    """Any declared dimensions over the data of a small picture."""
    width, height = rng.choice(_SIDES), rng.choice(_SIDES)
    format, body = _valid(rng)
    if format is PNG:
        return PNG, png_declaring(width, height)
    if format is JPEG:
        at = max(body.find(b"\xff\xc0"), body.find(b"\xff\xc2"))
        return JPEG, body[: at + 5] + struct.pack(">HH", height, width) + body[at + 9 :]
    if format is GIF:
        at = rng.choice((6, body.find(b",") + 5))
        return GIF, body[:at] + struct.pack("<HH", width, height) + body[at + 4 :]
    if format in (AVIF, HEIC) and (at := body.find(b"ispe")) > 0:
        return format, body[: at + 8] + struct.pack(">II", width, height) + body[at + 16 :]
    if format is WEBP and (at := body.find(b"VP8X")) > 0:
        sides = struct.pack("<I", max(width - 1, 0))[:3] + struct.pack("<I", max(height - 1, 0))[:3]
        return WEBP, body[: at + 12] + sides + body[at + 18 :]
    tiff = TiffLayout(photometric=BLACK_IS_ZERO, bits=(8,)).body()
    at = int.from_bytes(tiff[4:8], "little") + 2  # its first two fields are the width and the height
    return TIFF, tiff[: at + 8] + struct.pack("<I8xI", width, height) + tiff[at + 24 :]


def _flat(rng: random.Random) -> Body:
    """A large picture of one colour, which is a small file."""
    format = rng.choice((JPEG, PNG, WEBP, GIF, TIFF, AVIF))
    sides = rng.choice(((1990, 2000), (2010, 2000), (1, 16_000), (16_000, 1), (60_000, 60)))
    flat = Image.new(rng.choice(("L", "RGB")), sides, rng.randrange(256))
    try:
        return format, file_of(flat, format, **({"compression": "tiff_adobe_deflate"} if format is TIFF else {}))
    except (OSError, ValueError):  # too long for the format
        return PNG, file_of(flat, PNG)


def _frames(rng: random.Random) -> Body:
    """About as many frames as are accepted, or many more, some of the files damaged."""
    format = rng.choice(_MOVING)
    body = animation(rng.choice((2, 29, 30, 31, 300)), (rng.choice((8, 400)), 8), format)
    return format, damaged(rng, body) if rng.random() < 0.5 else body


def _exif(rng: random.Random) -> Body:
    """EXIF whose directories lead to themselves or outside, or that is garbage."""
    pointer = rng.choice((0x8769, 0x8825, 0xA005, 0x014A))
    entry = struct.pack("<HHII", pointer, 4, rng.choice((1, 1, 1000, 0xFFFFFFFF)), rng.choice((0, 8, 8, 14, *EXTREMES)))
    count = rng.choice((1, 1, 500))
    loop = b"II*\0" + struct.pack("<IH", 8, count) + entry * count + struct.pack("<I", rng.choice((0, 8, 8, *EXTREMES)))
    exif = rng.choice((loop, damaged(rng, exif_with_gps(6).tobytes()[6:]), rng.randbytes(rng.randint(0, 200))))
    format = rng.choice((JPEG, PNG, WEBP, AVIF, HEIC))
    small = gradient((48, 32))
    if format in (AVIF, HEIC):
        whole = file_of(small, format, exif=exif_with_gps(6).tobytes())
        at = whole.find(b"II*\0")
        return format, whole[:at] + exif[: len(whole) - at] + whole[at + len(exif) :] if at > 0 else whole
    if format is PNG:
        whole = file_of(small, PNG)
        return PNG, whole[:33] + png_chunk(b"eXIf", exif) + whole[33:]
    return format, file_of(small, format, exif=b"Exif\0\0" + exif)


def _profile(rng: random.Random) -> Body:
    """An ICC profile that is damaged, or of another colour space, or huge."""
    profile = rng.choice(
        (
            damaged(rng, swapped_profile()),
            swapped_profile().replace(b"RGB ", rng.choice((b"CMYK", b"GRAY", b"Lab ", b"\0\0\0\0"))),
            rng.randbytes(rng.randint(1, 4000)),
            swapped_profile() + bytes(1 << 19),
        )
    )
    format = rng.choice((JPEG, PNG, WEBP, AVIF, HEIC, TIFF))
    mode = rng.choice(("L", "RGB", "RGB", "RGBA"))
    whole = gradient((48, 32)).convert("RGB" if format is JPEG and mode == "RGBA" else mode)
    return format, file_of(whole, format, icc_profile=profile)


def _compressed_text(rng: random.Random) -> Body:
    """A PNG with texts or a profile that are large when they are decompressed, or with many small ones."""
    packed = zlib.compress(bytes(rng.choice((1 << 10, 1 << 20, 32 << 20))))
    kind = rng.choice((b"zTXt", b"iTXt", b"iCCP"))
    data = b"Comment\0" + (b"\1\0\0\0" if kind == b"iTXt" else b"\0") + packed
    count = rng.choice((1, 1, 40)) if len(packed) > 10_000 else rng.choice((1, 1000, 30_000))
    body = file_of(gradient((48, 32)), PNG)
    return PNG, body[:33] + png_chunk(kind, data) * count + body[33:]


def _scans(rng: random.Random) -> Body:
    """A progressive JPEG whose last scan is repeated."""
    body = file_of(gradient((400, 300)), JPEG, progressive=True)
    start = body.rfind(b"\xff\xda")
    return JPEG, body[:-2] + body[start:-2] * rng.choice((1, 80, 120, 3000)) + rng.choice((b"", b"\xff\xd9"))


def _polyglot(rng: random.Random) -> Body:
    """Two formats in one file: one follows the other, is inside of it, or has its first bytes."""
    (format, body), (_, other) = _valid(rng), _valid(rng)
    others = (
        other,
        b"<script>alert(1)</script>",
        b"PK\3\4" + rng.randbytes(100),
        b"%PDF-1.7\n",
        b"#!/bin/sh\n",
        b"\0" * 4096,
    )
    second = rng.choice(others)
    start = rng.choice((4, 12, 16, 24))
    return format, rng.choice(
        (body + second, second + body, other[:start] + body[start:], body[:start] + other[start:])
    )


def _noise(rng: random.Random) -> Body:
    format, body = _valid(rng)
    return format, body[: rng.choice((0, 4, 12, 24, 64))] + rng.randbytes(rng.choice((1, 100, 5000)))


_KINDS: tuple[Callable[[random.Random], Body], ...] = (
    _damaged,
    _damaged,
    _damaged,
    _damaged,
    _rearranged,
    _rearranged,
    _rearranged,
    _changed_box,
    _changed_box,
    _directory_entry,
    _directory_entry,
    _declared_size,
    _flat,
    _frames,
    _exif,
    _profile,
    _compressed_text,
    _scans,
    _polyglot,
    _noise,
)
