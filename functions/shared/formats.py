"""The image formats the pipeline reads, and how to recognise them by their first bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SNIFF_BYTES = 512
"""How many of a file's first bytes `sniff` looks at."""

UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Format:
    """An image format that the functions can decode.

    Args:
        content_type: its MIME type.
        pillow: the name of Pillow's plugin, the only one a file of this format is ever given to.
        module: the module that registers the plugin.
        extensions: file extensions that stand for it, the usual one first.
        aliases: other MIME types that uploaders declare for it; two formats may share one.
    """

    content_type: str
    pillow: str
    module: str
    extensions: tuple[str, ...]
    aliases: tuple[str, ...] = ()

    @property
    def extension(self) -> str:
        """The usual extension, with its dot."""
        return self.extensions[0]


JPEG = Format(
    content_type="image/jpeg",
    pillow="JPEG",
    module="PIL.JpegImagePlugin",
    extensions=(".jpg", ".jpeg", ".jpe", ".jfif"),
    aliases=("image/jpg", "image/pjpeg"),
)
PNG = Format(
    content_type="image/png",
    pillow="PNG",
    module="functions.shared.png_plugin",
    extensions=(".png", ".apng"),
    aliases=("image/apng", "image/x-png"),
)
WEBP = Format(
    content_type="image/webp",
    pillow="WEBP",
    module="PIL.WebPImagePlugin",
    extensions=(".webp",),
    aliases=("image/x-webp",),
)
GIF = Format(content_type="image/gif", pillow="GIF", module="PIL.GifImagePlugin", extensions=(".gif",))
TIFF = Format(
    content_type="image/tiff",
    pillow="TIFF",
    module="functions.shared.tiff",
    extensions=(".tiff", ".tif"),
    aliases=("image/tif", "image/x-tiff"),
)
AVIF = Format(
    content_type="image/avif",
    pillow="AVIF",
    module="PIL.AvifImagePlugin",
    extensions=(".avif", ".avifs"),
    aliases=("image/avif-sequence", "image/heif", "image/heif-sequence"),
)
HEIC = Format(
    content_type="image/heic",
    pillow="HEIF",
    module="functions.shared.heif",
    extensions=(".heic", ".heif", ".hif", ".heics", ".heifs"),
    aliases=("image/heif", "image/heic-sequence", "image/heif-sequence"),
)

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
