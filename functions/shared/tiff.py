"""Pillow's TIFF decoder, corrected where it would show another picture than the file has."""

from __future__ import annotations

from PIL import Image, TiffImagePlugin

_ORIENTATION_TAG = 0x0112


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF as Pillow opens it, with these differences.

    The orientation is the directory's, never one that only XMP has.
    """

    def getexif(self) -> Image.Exif:
        """The directory, which is a TIFF's EXIF; decoding turns the picture by its orientation."""
        exif = super().getexif()
        if _ORIENTATION_TAG not in self.tag_v2:
            exif.pop(_ORIENTATION_TAG, None)
        return exif


Image.register_open("TIFF", TiffFile, TiffImagePlugin._accept)
