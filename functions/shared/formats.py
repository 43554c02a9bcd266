"""The image formats the pipeline reads, and how to recognise them by their first bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from contract import media
from contract.media import UNKNOWN_MEDIA_TYPE as UNKNOWN_TYPE
from contract.media import MediaType

SNIFF_BYTES = 512
"""How many of a file's first bytes `sniff` looks at."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """An image format that the functions can decode.

    Args:
        media: its media type.
        pillow: the name of Pillow's plugin, the only one a file of this format is ever given to.
        module: the module that registers the plugin.
    """

    media: MediaType
    pillow: str
    module: str

    @property
    def content_type(self) -> str:
        """Its MIME type."""
        return self.media.name

    @property
    def extension(self) -> str:
        """The usual extension, with its dot."""
        return self.media.extension

    @property
    def extensions(self) -> tuple[str, ...]:
        """File extensions that stand for it."""
        return self.media.extensions

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other MIME types that uploaders declare for it; two formats may share one."""
        return self.media.aliases


JPEG = Format(media=media.JPEG, pillow="JPEG", module="PIL.JpegImagePlugin")
PNG = Format(media=media.PNG, pillow="PNG", module="functions.shared.png_plugin")
WEBP = Format(media=media.WEBP, pillow="WEBP", module="PIL.WebPImagePlugin")
GIF = Format(media=media.GIF, pillow="GIF", module="PIL.GifImagePlugin")
TIFF = Format(media=media.TIFF, pillow="TIFF", module="functions.shared.tiff")
AVIF = Format(media=media.AVIF, pillow="AVIF", module="PIL.AvifImagePlugin")
HEIC = Format(media=media.HEIC, pillow="HEIF", module="functions.shared.heif")

FORMATS: dict[str, Format] = {format.content_type: format for format in (JPEG, PNG, WEBP, GIF, TIFF, AVIF, HEIC)}
"""By content type."""

# ISO/IEC 23008-12 (HEIF), annexes on brands: HEVC-coded still images and sequences; and AVIF's own from the AV1 Image
# File Format specification.
_HEVC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AV1_BRANDS = frozenset({b"avif", b"avis"})

# How files start. Beside the formats above, what else people upload, so that the verdict can call it by its name.
_SIGNATURES: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), content_type)
    for pattern, content_type in (
        (rb"\xff\xd8\xff", JPEG.content_type),
        (rb"\x89PNG\r\n\x1a\n", PNG.content_type),
        (rb"GIF8[79]a", GIF.content_type),
        (rb"RIFF.{4}WEBP", WEBP.content_type),
        (rb"II[*+]\0|MM\0[*+]", TIFF.content_type),
        (rb"%PDF-", "application/pdf"),
        (rb"%!PS", "application/postscript"),
        (rb"BM", "image/bmp"),
        (rb"8BPS", "image/vnd.adobe.photoshop"),
        (rb"\xff\x0a|\0{3}\x0cJXL \r\n\x87\n", "image/jxl"),
        (rb"\0{3}\x0cjP  \r\n\x87\n", "image/jp2"),
        (rb"\0\0\x01\0", "image/x-icon"),
        (rb"PK\x03\x04", "application/zip"),
        (rb"\x1f\x8b", "application/gzip"),
        (rb"MZ", "application/x-msdownload"),
        (rb"\x7fELF", "application/x-executable"),
        (rb"(\xef\xbb\xbf)?\s*<(?i:[^>]*>\s*<)*?(?i:svg)\b", "image/svg+xml"),
        (rb"(\xef\xbb\xbf)?\s*<(?i:!doctype html|html)\b", "text/html"),
    )
)


def sniff(head: bytes) -> str:
    """The MIME type that a file's first bytes show, whatever its name says.

    Args:
        head: the file's first bytes, up to `SNIFF_BYTES`.

    Returns:
        A key of `FORMATS`, or the name of something else, or `UNKNOWN_TYPE`.
    """
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    for signature, content_type in _SIGNATURES:
        if signature.match(head):
            return content_type
    return UNKNOWN_TYPE


def _sniff_brands(head: bytes) -> str:
    """Tell AVIF from HEIC by the brands of an ISO base media file."""
    box = head[: int.from_bytes(head[:4], "big")]
    brands: Sequence[bytes] = [box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))]
    for brand in brands:
        if brand in _AV1_BRANDS:
            return AVIF.content_type
        if brand in _HEVC_BRANDS:
            return HEIC.content_type
    return "image/heif" if brands[0] in {b"mif1", b"msf1"} else "video/mp4"
