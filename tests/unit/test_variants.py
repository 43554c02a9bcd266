"""Valid files that cannot be decoded are rejected as unsupported, not as damaged."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from functions.shared.formats import AVIF, JPEG, PNG
from functions.shared.reasons import ReasonCode
from tests.unit.conftest import Cloud
from tests.unit.pictures import file_of, gradient, png_chunk, quadrants


def jpeg_with_frame(marker: int, bits: int = 8) -> bytes:
    """A JPEG whose frame header has another coding process or sample precision (ITU-T T.81, table B.1)."""
    body = bytearray(file_of(gradient((64, 48)), JPEG))
    header = body.index(b"\xff\xc0")
    body[header + 1], body[header + 4] = marker, bits
    return bytes(body)


@pytest.mark.parametrize(
    ("body", "variant"),
    [
        (jpeg_with_frame(0xC3), "a lossless JPEG"),
        (jpeg_with_frame(0xCB), "a lossless JPEG"),
        *((jpeg_with_frame(marker), "a hierarchical JPEG") for marker in (0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF)),
        (jpeg_with_frame(0xC1, bits=12), "a JPEG with 12 bits a sample"),
    ],
)
def test_a_jpeg_that_cannot_be_decoded_is_unsupported_not_damaged(cloud: Cloud, body: bytes, variant: str) -> None:
    verdict = cloud.validate("uploads/a.jpg", body)
    assert verdict["reasonCode"] == ReasonCode.UNSUPPORTED_VARIANT.value
    assert verdict["reason"] == f"The file is {variant}, a variant of image/jpeg that is not supported."


FILES = Path(__file__).with_name("files")


def with_size(body: bytes, size: tuple[int, int]) -> bytes:
    """An AVIF that declares another size."""
    start = body.index(b"ispe") + 8
    return body[:start] + struct.pack(">II", *size) + body[start + 8 :]


def without_alphas_size(body: bytes) -> bytes:
    """An AVIF whose alpha item has no size: its association with `ispe` is changed to another property."""
    start = body.index(b"ipma") + 4
    patched = bytearray(body)
    alpha = start + 8 + 3 + body[start + 10]  # after version, flags, count and the entry of the colour item
    count = body[alpha + 2]
    patched[alpha + 3] = patched[alpha + 2 + count]  # encoders name `ispe` first
    return bytes(patched)


@pytest.mark.parametrize(
    ("body", "variant"),
    [
        ((FILES / "clean-aperture.avif").read_bytes(), "an AVIF with a clean aperture, which crops it"),
        (
            without_alphas_size(file_of(Image.new("RGBA", (64, 48), (200, 30, 40, 100)), AVIF)),
            "an AVIF whose transparency has no size, as early encoders wrote it",
        ),
        (
            with_size(file_of(gradient((64, 48)), AVIF), (40_000, 10)),
            "an AVIF with a side of more than 32,768 pixels",
        ),
    ],
)
def test_an_avif_that_cannot_be_decoded_correctly_is_unsupported(cloud: Cloud, body: bytes, variant: str) -> None:
    verdict = cloud.validate("uploads/a.avif", body)
    assert verdict["reasonCode"] == ReasonCode.UNSUPPORTED_VARIANT.value
    assert verdict["reason"] == f"The file is {variant}, a variant of image/avif that is not supported."


def test_an_avif_with_more_pixels_than_its_decoder_supports_has_too_many_pixels(cloud: Cloud) -> None:
    body = with_size(file_of(gradient((64, 48)), AVIF), (30_000, 30_000))
    assert cloud.validate("uploads/a.avif", body)["reasonCode"] == "TOO_MANY_PIXELS"


def test_an_avif_of_twelve_bits_is_accepted_and_decoded_correctly(cloud: Cloud) -> None:
    body = (FILES / "twelve-bit.avif").read_bytes()
    answer = cloud.transform("thumbnail", "uploads/a.avif", body)
    with Image.open(io.BytesIO(cloud.outputs()[answer["renditions"][0]["key"]])) as image:
        difference = ImageChops.difference(image.convert("RGB"), quadrants((96, 64)))
        assert max(ImageStat.Stat(difference).mean) < 12


def test_a_png_with_megabytes_of_compressed_text_is_accepted(cloud: Cloud) -> None:
    text = b"Comment\0\0" + zlib.compress(bytes(3 << 20))
    profile = b"Comment\0\1\0\0\0" + zlib.compress(bytes(3 << 20))
    body = file_of(gradient(), PNG)
    chunks = png_chunk(b"zTXt", text) + png_chunk(b"iTXt", profile)
    for where in (33, len(body) - 12):  # before the image data, and after it
        assert cloud.validate("uploads/a.png", body[:where] + chunks + body[where:])["accepted"]
