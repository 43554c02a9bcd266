"""The sample files, valid and hostile, each with its expected outcome."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pillow_heif
from PIL import Image, TiffImagePlugin

from demo import scenes

pillow_heif.register_heif_opener()

# Exif 2.32, tags of IFD0 and pointers
_EXIF_MAKE, _EXIF_MODEL, _EXIF_ORIENTATION, _EXIF_IFD, _GPS_IFD = 0x010F, 0x0110, 0x0112, 0x8769, 0x8825

_CUSTOMERS = """\
customer_id,name,city,since,balance
1,Ann Lee,Boston,2024-01-31,10.50
2,Zoë Kay,Köln,2024-02-29,-3.00
3,"Moe, Sam",Paris,2023-12-01,99.99
4,Liz Orr,Lagos,2022-07-15,
5,Kim Roe,Oslo,2025-03-08,7.25
"""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A file to upload with its expected outcome; `reason_code` is empty for a file that completes."""

    name: str
    body: bytes
    reason_code: str = ""

    @property
    def status(self) -> str:
        """The expected job status."""
        return "REJECTED" if self.reason_code else "COMPLETED"

    @property
    def sha256(self) -> str:
        """Hex digest of the body, as in the deny-list."""
        return hashlib.sha256(self.body).hexdigest()


def samples(max_bytes: int) -> list[Sample]:
    """All samples: one of each accepted media type, then the hostile ones.

    Args:
        max_bytes: the stack's size limit, which one sample exceeds.
    """
    photo = _jpeg(scenes.landscape((960, 640), scenes.NOON, seed=3))
    accepted = {
        "mountain-lake.jpg": _rotated_with_gps(scenes.landscape((1600, 1066), scenes.DAWN, seed=1)),
        "city-night.jpg": _encode(scenes.city((1280, 854), seed=2), "JPEG", quality=85, progressive=True),
        "emblem.png": _encode(scenes.emblem((600, 600)), "PNG"),
        "meadow.webp": _encode(scenes.landscape((1200, 800), scenes.NOON, seed=4), "WEBP", quality=82),
        "lighthouse.gif": _animated_gif(scenes.pulse((320, 240), frames=8)),
        "scan.tiff": _encode(scenes.landscape((800, 600), scenes.DAWN, seed=5), "TIFF", compression="tiff_lzw"),
        "dunes.avif": _encode(scenes.landscape((1200, 800), scenes.DUSK, seed=6), "AVIF", quality=60),
        "harbour.heic": _encode(scenes.city((1200, 800), seed=8), "HEIF", quality=60),
        "print-cmyk.jpg": _encode(scenes.landscape((900, 600), scenes.DUSK, seed=9).convert("CMYK"), "JPEG"),
        "Ærø + sund 100%.jpg": photo,
        "customer-data.csv": _CUSTOMERS.encode(),
    }
    rejected = {
        "truncated.jpg": ("CORRUPT", photo[: len(photo) // 2]),
        "spoofed.jpg": ("TYPE_MISMATCH", accepted["emblem.png"]),
        "bomb.png": ("TOO_MANY_PIXELS", _png_bomb(30_000)),
        "empty.jpg": ("EMPTY", b""),
        "denylisted.jpg": ("DENYLISTED", _jpeg(scenes.city((640, 480), seed=10))),
        "drawing.svg": ("UNSUPPORTED_TYPE", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
        "joined.csv": ("MIXED_ENCODINGS", _CUSTOMERS.encode() + _CUSTOMERS.encode("latin-1")),
        "too-large.jpg": ("TOO_LARGE", photo + bytes(max_bytes)),
    }
    return [Sample(name=name, body=body) for name, body in accepted.items()] + [
        Sample(name=name, body=body, reason_code=code) for name, (code, body) in rejected.items()
    ]


def cached_samples(folder: Path, max_bytes: int, progress: Callable[[str], None]) -> list[Sample]:
    """The samples, generated once into `folder` (a few seconds) and then read from it."""
    if not folder.is_dir():
        progress("generating the sample files (once)")
        drawing = folder.with_suffix(".new")
        drawing.mkdir(parents=True, exist_ok=True)
        for sample in samples(max_bytes):
            (drawing / f"{sample.reason_code or 'COMPLETED'}@{sample.name}").write_bytes(sample.body)
        drawing.rename(folder)
    return [
        Sample(name=name, body=path.read_bytes(), reason_code="" if outcome == "COMPLETED" else outcome)
        for path in sorted(folder.iterdir(), key=lambda path: (not path.name.startswith("COMPLETED"), path.name))
        for outcome, name in [path.name.split("@", 1)]
    ]


def _encode(picture: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


def _jpeg(picture: Image.Image) -> bytes:
    return _encode(picture, "JPEG", quality=85)


def _rotated_with_gps(picture: Image.Image) -> bytes:
    """A JPEG as a phone held upright writes it: rotated pixels, orientation 6, camera and position in EXIF."""
    exif = Image.Exif()
    exif[_EXIF_MAKE], exif[_EXIF_MODEL], exif[_EXIF_ORIENTATION] = "Pipeline Optics", "PO-1", 6
    rational = TiffImagePlugin.IFDRational
    exif.get_ifd(_EXIF_IFD).update(
        {
            0x829A: rational(1, 250),  # ExposureTime
            0x829D: rational(28, 10),  # FNumber
            0x8827: 100,  # PhotographicSensitivity
            0x9003: "2026:06:21 05:12:44",  # DateTimeOriginal
            0x920A: rational(35, 1),  # FocalLength
            0xA434: "PO 35mm F2.8",  # LensModel
        }
    )
    exif.get_ifd(_GPS_IFD).update(
        {1: "N", 2: (rational(54), rational(51), rational(12)), 3: "E", 4: (rational(10), rational(24), rational(30))}
    )
    return _encode(picture.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=88, exif=exif)


def _animated_gif(frames: list[Image.Image]) -> bytes:
    return _encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=120, loop=0)


def _png_bomb(side: int) -> bytes:
    """A valid black one-bit PNG of `side` x `side` pixels: about 100 kB that need gigabytes when decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    row = bytes(1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
