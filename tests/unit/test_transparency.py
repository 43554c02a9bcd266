"""Renditions are transparent exactly where browsers show the source as transparent."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from functions.shared.formats import GIF, PNG
from functions.shared.images import open_image, plain
from tests.unit.conftest import Cloud
from tests.unit.pictures import pixel, png_chunk

GREY, RGB = 0, 2


def png_row(bits: int, colour_type: int, samples: bytes, transparent: bytes) -> bytes:
    """A PNG of three pixels in a row and a transparent colour."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 3, 1, bits, colour_type, 0, 0, 0)),
        (b"tRNS", transparent),
        (b"IDAT", zlib.compress(b"\0" + samples)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


@pytest.mark.parametrize(
    ("body", "first", "third"),
    [
        (png_row(1, GREY, b"\x20", b"\0\0"), (0, 0, 0, 0), (255, 255, 255, 255)),
        (png_row(2, GREY, b"\x6c", b"\0\1"), (85, 85, 85, 0), (255, 255, 255, 255)),
        (png_row(4, GREY, b"\x12\x30", b"\0\1"), (17, 17, 17, 0), (51, 51, 51, 255)),
        (png_row(8, GREY, b"\x0a\x14\x1e", b"\0\x0a"), (10, 10, 10, 0), (30, 30, 30, 255)),
        (png_row(16, GREY, b"\x12\x34\x12\x35\x56\x34", b"\x12\x34"), (18, 18, 18, 0), (86, 86, 86, 255)),
        (png_row(8, RGB, bytes(range(1, 10)), b"\0\1\0\2\0\3"), (1, 2, 3, 0), (7, 8, 9, 255)),
        (png_row(16, RGB, bytes(range(1, 19)), bytes(range(1, 7))), (1, 3, 5, 0), (13, 15, 17, 255)),
    ],
)
def test_a_pngs_transparent_colour_is_applied_at_every_bit_depth(
    body: bytes, first: tuple[int, ...], third: tuple[int, ...]
) -> None:
    image = plain(open_image(io.BytesIO(body), PNG, max_pixels=3))
    assert image.mode == "RGBA"
    assert (pixel(image, (0, 0)), pixel(image, (2, 0))) == (first, third)


def test_greys_that_differ_only_in_their_low_bits_are_distinguished() -> None:
    body = png_row(16, GREY, b"\x12\x34\x12\x35\x56\x34", b"\x12\x34")
    assert pixel(plain(open_image(io.BytesIO(body), PNG, max_pixels=3)), (1, 0)) == (18, 18, 18, 255)


def gif_with_frame(left: int, top: int, *, screen: tuple[int, int] = (60, 40), transparent: bool = False) -> bytes:
    """A red GIF of 20 by 10 pixels somewhere on a screen whose background colour is green."""
    frame = Image.new("P", (20, 10), 1)
    frame.putpalette([0, 255, 0, 255, 0, 0])
    written = io.BytesIO()
    frame.save(written, "GIF", background=0, **({"transparency": 0} if transparent else {}))
    body = bytearray(written.getvalue())
    struct.pack_into("<HH", body, 6, *screen)
    descriptor = body.rindex(b"\x2c\0\0\0\0" + struct.pack("<HH", 20, 10))
    struct.pack_into("<HH", body, descriptor + 1, left, top)
    return bytes(body)


@pytest.mark.parametrize("transparent", [False, True])
def test_a_gif_is_transparent_where_its_first_frame_does_not_cover_the_canvas(cloud: Cloud, transparent: bool) -> None:
    answer = cloud.transform("thumbnail", "uploads/a.gif", gif_with_frame(30, 20, transparent=transparent))
    webp = next(item["key"] for item in answer["renditions"] if item["name"] == "w160-webp")
    with Image.open(io.BytesIO(cloud.outputs()[webp])) as image:
        assert image.size == (60, 40)
        alpha = image.convert("RGBA").getchannel("A")
        assert alpha.getbbox() == (30, 20, 50, 30)
        assert alpha.crop((30, 20, 50, 30)).getextrema() == (255, 255)
    assert cloud.transform("metadata", "uploads/a.gif", gif_with_frame(30, 20))["metadata"]["hasAlpha"]


def test_a_gif_whose_first_frame_covers_the_canvas_stays_opaque() -> None:
    image = plain(open_image(io.BytesIO(gif_with_frame(0, 0, screen=(20, 10))), GIF, max_pixels=200))
    assert image.mode == "RGB"
