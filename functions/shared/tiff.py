"""Pillow's TIFF decoder, with corrections for files that it would decode to a wrong picture.

Variants that it cannot decode correctly even so raise `UnsupportedVariantError`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImagePalette, TiffImagePlugin

from functions.shared.variants import UnsupportedVariantError

# TIFF Revision 6.0, sections 4 to 8, 18 and 19.
_COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _ORIENTATION = 259, 262, 266, 274
_SAMPLES, _BITS, _PLANAR, _COLOUR_MAP, _EXTRA, _SAMPLE_FORMAT = 277, 258, 284, 320, 338, 339
_WHITE_IS_ZERO, _RGB, _CMYK, _YCBCR = 0, 2, 5, 6
_COLOURS = {0: "grey", 1: "grey", 2: "RGB", 3: "palette colours", 5: "CMYK", 6: "YCbCr", 8: "CIELAB", 9: "ICCLAB"}
_SIGNED = 2
_KINDS = {1: "unsigned", _SIGNED: "signed", 3: "floating-point"}
_UNSPECIFIED, _UNASSOCIATED_ALPHA = 0, 2
_CHUNKY, _SEPARATE = 1, 2
_OLD_JPEG = 6  # its data contains the number of samples
_WEBP = 50001  # Pillow lists it, but the libtiff in its wheels cannot decode it
_REVERSED = 2

_STANDARD_ERROR = 2

# libtiff returns numbers in the machine's byte order; for these modes Pillow expects the file's.
_NATIVE = {"F;32BF": "F;32NF", "I;32BS": "I;32NS", "I;16BS": "I;16NS"}


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF as Pillow opens it, with these differences.

    The orientation is the directory's, never XMP's. Colour maps of 8 bits, 12-bit grey, white as zero in 16 bits and in
    floating point, big-endian compressed numbers and samples in separate planes are decoded correctly. What libtiff
    writes to the process's standard error is discarded.

    Raises:
        UnsupportedVariantError: the page seems to be valid, but cannot be decoded correctly.
    """

    def getexif(self) -> Image.Exif:
        """The directory, which is a TIFF's EXIF; Pillow applies its orientation when it decodes."""
        exif = super().getexif()
        if _ORIENTATION not in self.tag_v2:
            exif.pop(_ORIENTATION, None)
        return exif

    def load(self) -> Image.core.PixelAccess | None:
        """Decode the current page."""
        with _standard_error_discarded():
            return super().load()

    def load_end(self) -> None:
        """Correct the decoded samples before Pillow's last step."""
        if self._raw_mode == "I;12":
            self.im = self.im.point_transform(16, 0)
        if self.mode in {"I;16", "F"} and self.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
            self.im = self.im.point_transform(-1, 0 if self.mode == "F" else 65535)
        if self._raw_mode == "I;32N" and self.im.getextrema()[0] < 0:
            raise UnsupportedVariantError("a TIFF with unsigned samples of 32 bits that use the highest bit")
        if self.mode == "F" and not all(math.isfinite(value) for value in self.im.getextrema()):
            raise UnsupportedVariantError("a TIFF with floating-point samples that are not finite")
        super().load_end()

    def _setup(self) -> None:
        """Read the directory of the current page."""
        if self.tag_v2.get(_SAMPLES, 1) == 1:
            self.tag_v2[_PLANAR] = _CHUNKY  # one sample has one plane, whatever the file declares
        self._check_supported()
        TiffImagePlugin.READ_LIBTIFF = self._needs_libtiff()
        try:
            super()._setup()
        except SyntaxError as error:
            if str(error) == "unknown pixel mode":
                raise UnsupportedVariantError(self._described()) from error
            raise
        finally:
            TiffImagePlugin.READ_LIBTIFF = False
        self._raw_mode = self._corrected_raw_mode()
        if self.mode in {"P", "PA"} and max(self.tag_v2[_COLOUR_MAP]) < 256:
            self.palette = ImagePalette.raw("RGB;L", bytes(self.tag_v2[_COLOUR_MAP]))

    def _corrected_raw_mode(self) -> str:
        """Pillow's name of the samples' layout, in the machine's byte order if libtiff decodes the page."""
        arguments = self.tile[0].args
        assert isinstance(arguments, tuple)  # noqa: S101 - a tuple in Pillow's TIFF plugin; text in others
        raw_mode, *others = arguments
        if self.use_load_libtiff and raw_mode in _NATIVE:
            raw_mode = _NATIVE[raw_mode]
            self.tile = [self.tile[0]._replace(args=(raw_mode, *others))]
        return raw_mode

    def _needs_libtiff(self) -> bool:
        """Whether Pillow's own reader of uncompressed pages, which needs less memory, would misread this one."""
        if self.tag_v2.get(_PLANAR) == _SEPARATE and (16 in self._bits or _UNSPECIFIED in self._extra):
            return True
        is_subsampled = self.tag_v2.get(_PHOTOMETRIC) == _YCBCR and len(self._bits) > 1
        return is_subsampled or self.tag_v2.get(_FILL_ORDER) == _REVERSED

    def _check_supported(self) -> None:
        compression = self.tag_v2.get(_COMPRESSION, 1)
        if compression not in TiffImagePlugin.COMPRESSION_INFO or compression == _WEBP:
            raise UnsupportedVariantError(f"a TIFF with compression {compression}")
        samples = self.tag_v2.get(_SAMPLES, 1)
        is_signed = self._bits[0] == 8 and self.tag_v2.get(_SAMPLE_FORMAT, (1,))[0] == _SIGNED
        is_luma_alone = samples == 1 and self.tag_v2.get(_PHOTOMETRIC) == _YCBCR and compression != _OLD_JPEG
        if samples > TiffImagePlugin.MAX_SAMPLESPERPIXEL or is_signed or is_luma_alone:
            raise UnsupportedVariantError(self._described())
        if self.tag_v2.get(_PLANAR) == _SEPARATE and not self._planes_are_supported():
            raise UnsupportedVariantError(f"{self._described()}, in separate planes")

    def _planes_are_supported(self) -> bool:
        photometric = self.tag_v2.get(_PHOTOMETRIC)
        if set(self._extra) == {_UNSPECIFIED}:
            return photometric in {_RGB, _CMYK}
        if photometric == _RGB:
            return (len(self._bits), self._extra) in {(3, ()), (4, (_UNASSOCIATED_ALPHA,))}
        return photometric in {_CMYK, _YCBCR} and not self._extra

    def _described(self) -> str:
        photometric = self.tag_v2.get(_PHOTOMETRIC, 0)
        colours = _COLOURS.get(photometric, f"photometric interpretation {photometric}")
        kind = _KINDS.get(self.tag_v2.get(_SAMPLE_FORMAT, (1,))[0], "undefined")
        bits = " and ".join(map(str, sorted(set(self._bits))))
        return f"a TIFF in {colours} with {kind} samples of {bits} bits, {self.tag_v2.get(_SAMPLES, 1)} to a pixel"

    @property
    def _bits(self) -> tuple[int, ...]:
        """Bits of each sample; a single number applies to all samples."""
        return self.tag_v2.get(_BITS, (1,))

    @property
    def _extra(self) -> tuple[int, ...]:
        """The meaning of each sample beyond the colours."""
        return self.tag_v2.get(_EXTRA, ())


@contextmanager
def _standard_error_discarded() -> Iterator[None]:
    """Discard the process's standard error: libtiff writes warnings there, megabytes for some files.

    The function's log is written to standard output.
    """
    original, null = os.dup(_STANDARD_ERROR), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, _STANDARD_ERROR)
        yield
    finally:
        os.dup2(original, _STANDARD_ERROR)
        os.close(original)
        os.close(null)


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(tuple(TiffImagePlugin.PREFIXES))


Image.register_open("TIFF", TiffFile, _accept)
