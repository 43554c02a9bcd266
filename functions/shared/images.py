"""Opens strangers' images within bounds, and brings their pixels to what browsers show: upright, 8 bits, sRGB."""

from __future__ import annotations

import importlib
import io
import warnings
from typing import Any, BinaryIO

from PIL import Image, ImageCms, ImageFile

from functions.shared import gif, jpeg, png
from functions.shared.formats import JPEG, Format

_ORIENTATION_TAG = 0x0112

# Exif 2.32, tag Orientation: how to bring the stored pixels upright.
_UPRIGHT: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TURNED_BY_DECODER = frozenset({"TIFF", "HEIF"})
_SIDEWAYS = frozenset({5, 6, 7, 8})

_OPTIMISED_PIXELS = 4_000_000

_SRGB_MODES = frozenset({"L", "RGB", "RGBA"})
_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_HIGH_MODES = frozenset({"I", "F"})
_PLAIN_MODES = {"L": "L", "1": "L", "RGB": "RGB", "CMYK": "CMYK", "LAB": "LAB"}


def open_image(body: BinaryIO, format: Format, *, max_pixels: int) -> ImageFile.ImageFile:
    """Read an image's header with the one decoder that its format calls for; no pixel is decoded yet.

    Args:
        body: the file, seekable.
        format: what the file was recognised as; no other decoder sees it.
        max_pixels: the largest frame to accept, width times height.

    Raises:
        PIL.Image.DecompressionBombError: the header announces more pixels than that.
        OSError, SyntaxError, ValueError and others: the header is broken; decoders raise what they like.
    """
    importlib.import_module(format.module)
    source: Any = jpeg.WithTail(body) if format is JPEG else body
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Image.MAX_IMAGE_PIXELS = -(-max_pixels // 2)  # Pillow refuses beyond twice this number, and warns below
            return Image.open(source, formats=[format.pillow])  # pyright: ignore[reportArgumentType]
    finally:
        Image.MAX_IMAGE_PIXELS = None  # from here on sizes are known, and Pillow would hold our own images to it


def orientation(image: Image.Image) -> int:
    """The EXIF orientation that is left to apply, 1 to 8; 1 where there is none or it cannot be read.

    Pillow's TIFF decoder and the HEIC decoder turn the picture themselves. Ask before the pixels are loaded: some
    decoders let go of the file then.
    """
    if image.format in _TURNED_BY_DECODER:
        return 1
    try:
        value = embedded_exif(image).get(_ORIENTATION_TAG, 1)
    except Exception:
        # EXIF is written by anybody. Pillow's parser raises whatever its bytes lead it to; the image is fine without.
        return 1
    return value if value in _UPRIGHT else 1


def embedded_exif(image: Image.Image) -> Image.Exif:
    """An opened image's EXIF alone, without decoding a pixel.

    `Image.getexif` decodes a PNG that has no early eXIf chunk, and takes an orientation from XMP where EXIF has none,
    which no browser does.

    Raises:
        Exception: the EXIF is broken; Pillow's parser raises whatever its bytes lead it to.
    """
    if image.format == "TIFF":
        return image.getexif()  # its directory is its EXIF
    exif = Image.Exif()
    exif.load(image.info.get("exif") or _text_exif(image))
    return exif


def _text_exif(image: Image.Image) -> bytes:
    """What ImageMagick writes into a PNG's text: a line break, a name, a length, then hexadecimal digits."""
    return bytes.fromhex("".join(image.info.get("Raw profile type exif", "").split("\n")[3:]))


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height as shown, from those as stored."""
    return (size[1], size[0]) if orientation in _SIDEWAYS else size


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Apply an EXIF orientation. Scale first where the image is scaled at all: turning costs by the pixel."""
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def plain(image: Image.Image) -> Image.Image:
    """Bring an image to a mode that resizes well: L, RGB, RGBA, CMYK or LAB, 8 bits a channel.

    Loads the pixels, and returns the image itself where its mode is already one of these.
    """
    first_frame = gif.covered(image)
    png.scale_transparent_colour(image)
    image.load()
    vars(image).pop("_decoder", None)  # of WebP and AVIF; it holds the picture twice more
    if first_frame:
        return gif.clear_around(image, first_frame)
    if image.mode in _HIGH_MODES or image.mode.startswith("I;16"):
        return _eight_bits(image)
    if image.mode not in _ALPHA_MODES and image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "La":
        image = image.convert("LA")  # premultiplied grey converts to nothing else
    wanted = "RGBA" if image.mode in _ALPHA_MODES else _PLAIN_MODES.get(image.mode, "RGB")
    return image if image.mode == wanted else image.convert(wanted)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits a sample at 8, or RGBA where it has a transparent grey."""
    if image.mode in _HIGH_MODES:
        return _stretched(image)
    if image.mode == "I;16" and "transparency" in image.info:
        return png.grey_with_alpha(image)
    return image.convert("I").point(lambda value: value / 256).convert("L")


def _stretched(image: Image.Image) -> Image.Image:
    """32-bit grey has no agreed range: map the darkest to black and the lightest to white."""
    darkest, lightest = image.getextrema()
    span = float(lightest) - float(darkest) or 1.0  # pyright: ignore[reportArgumentType]
    scale = 255.0 / span
    return image.point(lambda value: value * scale - float(darkest) * scale).convert("L")  # pyright: ignore


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert to sRGB by the embedded ICC profile; by plain formulas where there is none or it does not fit.

    Args:
        image: as `plain` returns it; changed in place where its mode allows, as a large one would not fit twice.

    Returns:
        An image of mode L, RGB or RGBA.
    """
    profile = image.info.get("icc_profile")
    if profile:
        try:
            return _through_profile(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a profile that is broken, or of another colour space than the image's, is no profile
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
    """Flatten transparency onto white, for formats that have none."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def encoded(image: Image.Image, format: Format, quality: int) -> bytes:
    """Encode an image and nothing but its pixels: no EXIF, GPS, XMP, comment or profile of the source.

    Args:
        image: mode L, RGB or RGBA, in sRGB.
        format: JPEG, WebP or PNG.
        quality: 1 to 95; PNG has none.
    """
    importlib.import_module(format.module)
    image.info = {}  # encoders copy comments and profiles from here
    body = io.BytesIO()
    match format.pillow:
        case "JPEG":
            # Optimised tables save 3 % but take a buffer as large as the picture.
            small = image.width * image.height <= _OPTIMISED_PIXELS
            on_white(image).save(body, "JPEG", quality=quality, optimize=small)
        case "WEBP":
            # Method 2 takes 40 % of the default's CPU for 5 % more bytes: cheaper until served thousands of times.
            image.save(body, "WEBP", quality=quality, method=2)
        case "PNG":
            # Level 3 takes a quarter of the default's CPU for 10 % more bytes.
            image.save(body, "PNG", compress_level=3)
    return body.getvalue()
