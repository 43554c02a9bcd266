"""Media types: the names, extensions and aliases under which files are declared, stored and filtered.

How a type is recognised and measured is the functions' matter (`functions/shared`), which hold an entry for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

UNKNOWN_MEDIA_TYPE = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class MediaType:
    """A type of file that the pipeline can process.

    Args:
        name: its MIME type.
        extensions: file extensions that stand for it, with their dot, the usual one first.
        aliases: other MIME types that uploaders declare for it; two formats may share one.
    """

    name: str
    extensions: tuple[str, ...]
    aliases: tuple[str, ...] = ()

    @property
    def extension(self) -> str:
        """The usual extension, with its dot."""
        return self.extensions[0]

    @property
    def family(self) -> str:
        """The part of the name before the slash, such as ``image``: what is measured and transformed alike."""
        return self.name.partition("/")[0]


JPEG = MediaType(name="image/jpeg", extensions=(".jpg", ".jpeg", ".jpe", ".jfif"), aliases=("image/jpg", "image/pjpeg"))
PNG = MediaType(name="image/png", extensions=(".png", ".apng"), aliases=("image/apng", "image/x-png"))
WEBP = MediaType(name="image/webp", extensions=(".webp",), aliases=("image/x-webp",))
GIF = MediaType(name="image/gif", extensions=(".gif",))
TIFF = MediaType(name="image/tiff", extensions=(".tiff", ".tif"), aliases=("image/tif", "image/x-tiff"))
AVIF = MediaType(
    name="image/avif",
    extensions=(".avif", ".avifs"),
    aliases=("image/avif-sequence", "image/heif", "image/heif-sequence"),
)
HEIC = MediaType(
    name="image/heic",
    extensions=(".heic", ".heif", ".hif", ".heics", ".heifs"),
    aliases=("image/heif", "image/heic-sequence", "image/heif-sequence"),
)

MEDIA_TYPES: dict[str, MediaType] = {media.name: media for media in (JPEG, PNG, WEBP, GIF, TIFF, AVIF, HEIC)}
"""By name."""


def media_type_of(file_name: str) -> str:
    """The MIME type that a file name's extension stands for; `UNKNOWN_MEDIA_TYPE` where it stands for none of ours."""
    suffix = PurePosixPath(file_name).suffix.lower()
    return next((media.name for media in MEDIA_TYPES.values() if suffix in media.extensions), UNKNOWN_MEDIA_TYPE)
