"""Image files for the tests."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from functions.shared import heif  # noqa: F401 - registers the HEIC encoder
from functions.shared.formats import AVIF, GIF, HEIC, JPEG, PNG, TIFF, WEBP, Format

CANARY = "CANARY-52.5200N-13.4050E"
"""The value of every metadata field of `with_secrets`; no output may contain it."""

WRITTEN_BY = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP", GIF: "GIF", TIFF: "TIFF", AVIF: "AVIF", HEIC: "HEIF"}
"""The Pillow format that writes each of the pipeline's."""

_MAKE, _MODEL, _ORIENTATION, _DESCRIPTION, _EXIF, _GPS = 0x010F, 0x0110, 0x0112, 0x010E, 0x8769, 0x8825


def quadrants(size: tuple[int, int] = (96, 64)) -> Image.Image:
    """Red and green above, blue and white below: distinguishes orientations and colours."""
    width, height = size
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=(255, 0, 0))
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill=(0, 255, 0))
    draw.rectangle((0, height // 2, width // 2 - 1, height), fill=(0, 0, 255))
    return picture


def gradient(size: tuple[int, int] = (320, 200)) -> Image.Image:
    """Smooth in every channel, so that scaling and compression change it little."""
    across = Image.linear_gradient("L").rotate(90).resize(size)
    down = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (across, down, Image.blend(across, down, 0.5)))


def pixel(image: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    """A pixel of an image that has several channels."""
    value = image.getpixel(at)
    assert isinstance(value, tuple)
    return value


def patches(size: tuple[int, int], seed: int, mode: str = "RGB") -> Image.Image:
    """Smooth patches of random colours, without symmetry or flat areas."""
    cells = random.Random(seed).randbytes(24 * len(mode))  # noqa: S311 - a picture, not a secret
    return Image.frombytes(mode, (6, 4), cells).resize(size, Image.Resampling.BICUBIC)


def file_of(picture: Image.Image, format: Format, **options: Any) -> bytes:
    """The picture as a file of a format; lossy ones at high quality by default."""
    body = io.BytesIO()
    defaults = {"quality": 95} if format in (JPEG, WEBP, AVIF, HEIC) else {}
    picture.save(body, WRITTEN_BY[format], **defaults | options)
    return body.getvalue()


def animation(frames: int, size: tuple[int, int] = (40, 30), format: Format = GIF) -> bytes:
    """An animation, or a document with as many pages."""
    pictures = [Image.new("RGB", size, (index * 5 % 256, index * 3 % 256, 100)) for index in range(frames)]
    return file_of(pictures[0], format, save_all=True, append_images=pictures[1:])


def exif_with_gps(orientation: int = 1) -> Image.Exif:
    """EXIF as cameras write it, with a position."""
    exif = Image.Exif()
    exif[_MAKE] = "Pipeline Optics"
    exif[_MODEL] = "PO-1"
    exif[_ORIENTATION] = orientation
    exif[_DESCRIPTION] = CANARY
    exif.get_ifd(_EXIF).update(
        {
            0x829A: IFDRational(1, 250),  # ExposureTime
            0x829D: IFDRational(28, 10),  # FNumber
            0x8827: 100,  # ISOSpeedRatings
            0x9003: "2026:06:21 05:12:44",  # DateTimeOriginal
            0x920A: IFDRational(35, 1),  # FocalLength
            0xA434: "PO 35mm F2.8",  # LensModel
        }
    )
    exif.get_ifd(_GPS).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0), 27: CANARY.encode()})
    return exif


def with_secrets(picture: Image.Image, format: Format) -> bytes:
    """A file with a position and a canary in every metadata field that its format has."""
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>{CANARY}</exif:GPSLatitude></x:xmpmeta>'.encode()
    exif = exif_with_gps().tobytes()
    if format is TIFF:
        return file_of(picture, format, exif=exif_with_gps(), description=CANARY)
    if format is GIF:
        return file_of(picture, format, comment=CANARY)
    if format is PNG:
        text = PngInfo()
        text.add_text("Comment", CANARY)
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        return file_of(picture, format, exif=exif, pnginfo=text, icc_profile=swapped_profile())
    comment = {"comment": CANARY} if format is JPEG else {}
    return file_of(picture, format, exif=exif, xmp=xmp, icc_profile=swapped_profile(), **comment)


def swapped_profile() -> bytes:
    """A valid ICC profile in which red and blue are exchanged: stored red is displayed as blue.

    A version 2 display profile of three colorants and one gamma curve (ICC.1:2001-04, sections 6.1 and 6.3.1.1),
    with sRGB's colorants adapted to D50 in the wrong order.
    """
    red, green, blue = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7142)
    description = CANARY.encode() + b"\0"
    gamma = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256)) + bytes(2)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(description)) + description + bytes(78),
        b"wtpt": _xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": _xyz(*blue),
        b"gXYZ": _xyz(*green),
        b"bXYZ": _xyz(*red),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma),
    }
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, unpadded in tags.items():
        value = unpadded + bytes(-len(unpadded) % 4)
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value
    header = struct.pack(">I4xI", start + len(data), 0x02400000) + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    header += struct.pack(">III", *(round(value * 65536) for value in (0.9642, 1.0, 0.8249)))
    return header + bytes(128 - len(header)) + table + data


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">III", *(round(value * 65536) for value in values))


def png_declaring(width: int, height: int) -> bytes:
    """A PNG whose header declares a size that its few bytes of data do not have, like a decompression bomb."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_chunk(name: bytes, data: bytes) -> bytes:
    """A chunk with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
