"""The image formats that the functions decode, and the decoder of each."""

from __future__ import annotations

from dataclasses import dataclass

from contract import media
from contract.media import MediaType


@dataclass(frozen=True, kw_only=True)
class Format:
    """An image format that the functions can decode.

    Args:
        media: its media type.
        pillow: the name of Pillow's plugin, the only one that decodes files of this format.
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
        """Its file extensions."""
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
