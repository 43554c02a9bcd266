"""The registry of media types that can be accepted: their names, extensions, aliases and signatures.

The types of a family are measured by one module, `functions/validate/<family>.py`, with the limits that
`functions/validate/<family>.schema.json` declares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from contract.signatures import AV1_BRANDS, HEVC_BRANDS, Signature, coded_by, delimited, starting

UNKNOWN_MEDIA_TYPE = "application/octet-stream"
GZIP_TYPES = ("application/gzip", "application/x-gzip")
"""What uploaders declare for a file that is compressed with gzip."""


@dataclass(frozen=True, kw_only=True)
class MediaType:
    """A type of file that the pipeline can process.

    Args:
        name: its MIME type.
        extensions: its file extensions, with their dot, the usual one first.
        signature: detects the type from a file's first bytes.
        aliases: other MIME types that uploaders declare for it; two formats may share one.
        group: its family, if that is not the part of the name before the slash.
        is_text: whether it has no certain signature, so that a file's name decides between such types, and may be
            compressed with gzip.
    """

    name: str
    extensions: tuple[str, ...]
    signature: Signature
    aliases: tuple[str, ...] = ()
    group: str = ""
    is_text: bool = False

    @property
    def declared(self) -> tuple[str, ...]:
        """Every MIME type that may be declared for a file of this type."""
        return (self.name, *self.aliases, *(GZIP_TYPES if self.is_text else ()))

    @property
    def extension(self) -> str:
        """The usual extension, with its dot."""
        return self.extensions[0]

    @property
    def family(self) -> str:
        """Such as ``image``, by default the part of the name before the slash. Its types have the same measures."""
        return self.group or self.name.partition("/")[0]


MEDIA_TYPES: dict[str, MediaType] = {}
"""Every registered type, by name."""


def registered(media: MediaType) -> MediaType:
    """Add a type to the registry."""
    MEDIA_TYPES[media.name] = media
    return media


JPEG = registered(
    MediaType(
        name="image/jpeg",
        extensions=(".jpg", ".jpeg", ".jpe", ".jfif"),
        aliases=("image/jpg", "image/pjpeg"),
        signature=starting(rb"\xff\xd8\xff"),
    )
)
PNG = registered(
    MediaType(
        name="image/png",
        extensions=(".png", ".apng"),
        aliases=("image/apng", "image/x-png"),
        signature=starting(rb"\x89PNG\r\n\x1a\n"),
    )
)
WEBP = registered(
    MediaType(
        name="image/webp",
        extensions=(".webp",),
        aliases=("image/x-webp",),
        signature=starting(rb"RIFF.{4}WEBP"),
    )
)
GIF = registered(MediaType(name="image/gif", extensions=(".gif",), signature=starting(rb"GIF8[79]a")))
TIFF = registered(
    MediaType(
        name="image/tiff",
        extensions=(".tiff", ".tif"),
        aliases=("image/tif", "image/x-tiff"),
        signature=starting(rb"II[*+]\0|MM\0[*+]"),
    )
)
AVIF = registered(
    MediaType(
        name="image/avif",
        extensions=(".avif", ".avifs"),
        aliases=("image/avif-sequence", "image/heif", "image/heif-sequence"),
        signature=coded_by(AV1_BRANDS),
    )
)
HEIC = registered(
    MediaType(
        name="image/heic",
        extensions=(".heic", ".heif", ".hif", ".heics", ".heifs"),
        aliases=("image/heif", "image/heic-sequence", "image/heif-sequence"),
        signature=coded_by(HEVC_BRANDS),
    )
)
CSV = registered(
    MediaType(
        name="text/csv",
        extensions=(".csv",),
        # What Windows declares for a CSV file if Excel is installed is Excel's own type.
        aliases=(
            "text/tab-separated-values",
            "application/csv",
            "application/vnd.ms-excel",
            "text/comma-separated-values",
            "text/x-csv",
        ),
        signature=delimited(",;|"),
        group="table",
        is_text=True,
    )
)
TSV = registered(
    MediaType(
        name="text/tab-separated-values",
        extensions=(".tsv", ".tab"),
        aliases=("text/csv",),
        signature=delimited("\t"),
        group="table",
        is_text=True,
    )
)
JSON_LINES = registered(
    MediaType(
        name="application/x-ndjson",
        extensions=(".jsonl", ".ndjson"),
        aliases=("application/jsonl", "application/jsonlines", "application/x-jsonlines", "application/json"),
        signature=starting(rb'(\xef\xbb\xbf)?\s*\{\s*"'),
        group="table",
        is_text=True,
    )
)


def media_type_of(file_name: str) -> str:
    """The registered MIME type of a file name's extension; `UNKNOWN_MEDIA_TYPE` if there is none."""
    suffix = PurePosixPath(file_name).suffix.lower()
    return next((media.name for media in MEDIA_TYPES.values() if suffix in media.extensions), UNKNOWN_MEDIA_TYPE)


def max_bytes_of(media_type: str, families: Mapping[str, Mapping[str, Any]], default: int) -> int:
    """Size of the largest accepted file of a type.

    Args:
        media_type: a MIME type.
        families: the families' limits by name, of which `maxBytes` applies.
        default: for types of a family that has none.
    """
    family = MEDIA_TYPES[media_type].family if media_type in MEDIA_TYPES else ""
    return int(families.get(family, {}).get("maxBytes", default))
