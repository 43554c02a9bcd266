"""Opens untrusted images within limits, and converts their pixels to what browsers show: upright, 8 bits, sRGB."""

from __future__ import annotations

import importlib
import io
import warnings
from typing import Any, BinaryIO

from PIL import Image, ImageCms, ImageFile

from functions.shared import gif, gif_encoding, jpeg, png
from functions.shared.bounded import BoundedReader
from functions.shared.formats import JPEG, Format
from functions.shared.one_frame import decode_one_frame

_ORIENTATION_TAG = 0x0112

# Exif 2.32, tag Orientation: how to turn the stored pixels upright.
_UPRIGHT: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTED_BY_DECODER = frozenset({"TIFF", "HEIF"})
_SIDEWAYS = frozenset({5, 6, 7, 8})

_OPTIMISED_PIXELS = 500_000

_SRGB_MODES = frozenset({"L", "RGB", "RGBA"})
_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_DEEP_MODES = frozenset({"I", "F"})
_PLAIN_MODES = {"L": "L", "1": "L", "RGB": "RGB", "CMYK": "CMYK", "LAB": "LAB"}


def open_image(body: BinaryIO, format: Format, *, max_pixels: int) -> ImageFile.ImageFile:
    """Read an image's header with the decoder of its format, without decoding pixels.

    Args:
        body: the file, seekable.
        format: the format that was detected; no other decoder is tried.
        max_pixels: the largest frame to accept, width times height.

    Raises:
        PIL.Image.DecompressionBombError: the header declares more pixels than that.
        OSError, SyntaxError, ValueError and others: the header is invalid; each decoder raises its own exceptions.
    """
    importlib.import_module(format.module)
    bounded: Any = body if isinstance(body, BoundedReader) else BoundedReader(body)
    source: Any = jpeg.WithTail(bounded) if format is JPEG else bounded
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Image.MAX_IMAGE_PIXELS = -(-max_pixels // 2)  # Pillow raises above twice this number, and warns below
            return Image.open(source, formats=[format.pillow])  # pyright: ignore[reportArgumentType]
    finally:
        Image.MAX_IMAGE_PIXELS = None  # would also apply to images that this process creates


def orientation(image: Image.Image) -> int:
    """The EXIF orientation that still has to be applied, 1 to 8; 1 if there is none or it cannot be read.

    Pillow's TIFF decoder and the HEIC decoder apply it themselves. Call this before the pixels are loaded: some
    decoders close the file then.
    """
    if image.format in _ORIENTED_BY_DECODER:
        return 1
    try:
        value = embedded_exif(image).get(_ORIENTATION_TAG, 1)
    except Exception:
        # Pillow's parser raises many types of exceptions for invalid EXIF, which the image can be shown without.
        return 1
    return value if value in _UPRIGHT else 1


def embedded_exif(image: Image.Image) -> Image.Exif:
    """An opened image's EXIF, without decoding pixels.

    `Image.getexif` decodes a PNG that has no early eXIf chunk, and uses the orientation from XMP if EXIF has none,
    which browsers do not.

    Raises:
        Exception: the EXIF is invalid; Pillow's parser raises many types of exceptions.
    """
    if image.format == "TIFF":
        return image.getexif()  # its directory is its EXIF
    exif = Image.Exif()
    exif.load(image.info.get("exif") or _text_exif(image))
    return exif


def _text_exif(image: Image.Image) -> bytes:
    """EXIF that ImageMagick wrote as a PNG text: a line break, a name, a length, then hexadecimal digits."""
    return bytes.fromhex("".join(image.info.get("Raw profile type exif", "").split("\n")[3:]))


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height as shown, from those as stored."""
    return (size[1], size[0]) if orientation in _SIDEWAYS else size


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Apply an EXIF orientation. Scale the image first, if at all: the cost depends on the number of pixels."""
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def plain(image: Image.Image) -> Image.Image:
    """Convert an image to a mode that can be resized: L, RGB, RGBA, CMYK or LAB, 8 bits a channel.

    Loads the pixels, and returns the image itself if its mode is already one of these.
    """
    first_frame = gif.covered(image)
    png.scale_transparent_colour(image)
    decode_one_frame(image)
    image.load()
    if first_frame:
        return gif.clear_around(image, first_frame)
    if image.mode in _DEEP_MODES or image.mode.startswith("I;16"):
        return _eight_bits(image)
    if image.mode not in _ALPHA_MODES and image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "La":
        image = image.convert("LA")  # the only conversion that Pillow has for premultiplied grey
    wanted = "RGBA" if image.mode in _ALPHA_MODES else _PLAIN_MODES.get(image.mode, "RGB")
    return image if image.mode == wanted else image.convert(wanted)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Convert grey of more than 8 bits a sample to 8 bits, or to RGBA if it has a transparent grey."""
    if image.mode in _DEEP_MODES:
        return _stretched(image)
    if image.mode == "I;16" and "transparency" in image.info:
        return png.grey_with_alpha(image)
    return image.convert("I").point(lambda value: value / 256).convert("L")


def _stretched(image: Image.Image) -> Image.Image:
    """Map the darkest value to black and the lightest to white, as 32-bit grey has no standard range."""
    darkest, lightest = image.getextrema()
    span = float(lightest) - float(darkest) or 1.0  # pyright: ignore[reportArgumentType]
    scale = 255.0 / span
    return image.point(lambda value: value * scale - float(darkest) * scale).convert("L")  # pyright: ignore


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert to sRGB with the embedded ICC profile, or with Pillow's default formulas if there is no usable profile.

    Args:
        image: as `plain` returns it; changed in place if its mode allows, to hold only one copy in memory.

    Returns:
        An image of mode L, RGB or RGBA.
    """
    profile = image.info.get("icc_profile")
    if profile:
        try:
            return _through_profile(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # ignore a profile that is invalid, or of another colour space than the image's
    return image if image.mode in _SRGB_MODES else image.convert("RGB")


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if image.mode in _SRGB_MODES and "srgb" in ImageCms.getProfileDescription(source).lower():
        return image
    output_mode = "RGBA" if image.mode == "RGBA" else "RGB"
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        image.mode,
        output_mode,
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if image.mode == output_mode:
        transform.apply_in_place(image)
        return image
    return transform.apply(image)


def on_white(image: Image.Image) -> Image.Image:
    """Flatten transparency onto white, for formats without transparency."""
    if image.mode != "RGBA":
        return image
    background = Image.new("RGB", image.size, "white")
    background.paste(image, mask=image.getchannel("A"))
    return background


def encoded(image: Image.Image, format: Format, quality: int) -> bytes:
    """Encode an image's pixels without any metadata of the source: no EXIF, GPS, XMP, comment or profile.

    Args:
        image: mode L, RGB or RGBA, in sRGB.
        format: JPEG, WebP, AVIF, PNG or GIF.
        quality: 1 to 95; ignored for PNG and GIF.
    """
    importlib.import_module(format.module)
    image.info = {}  # encoders would write its comments and profiles
    body = io.BytesIO()
    match format.pillow:
        case "JPEG":
            # Optimised tables save 3 % of the bytes, for a second pass over the picture and a buffer as large as it:
            # 5 ms of CPU at 1280 by 853 pixels, where the scaling takes 25.
            small = image.width * image.height <= _OPTIMISED_PIXELS
            on_white(image).save(body, "JPEG", quality=quality, optimize=small)
        case "WEBP":
            # Method 2 takes 40 % of the default's CPU time for 5 % more bytes: cheaper up to thousands of downloads.
            image.save(body, "WEBP", quality=quality, method=2)
        case "AVIF":
            # Speed 8 takes a sixteenth of the CPU time of speed 4.
            image.save(body, "AVIF", quality=quality, speed=8)
        case "PNG":
            # Level 3 takes a quarter of the default's CPU time for 10 % more bytes.
            image.save(body, "PNG", compress_level=3)
        case "GIF":
            body.write(gif_encoding.gif([image], [0], loop=1))
    return body.getvalue()
