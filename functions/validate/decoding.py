"""Measures an image from its headers, then decodes it as cheaply as its format allows, to find what is broken."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, BinaryIO

from PIL import Image, ImageFile, UnidentifiedImageError

from functions.shared.formats import AVIF, HEIC, JPEG, PNG, WEBP, Format
from functions.shared.images import open_image, orientation, plain, to_srgb, upright_size
from functions.shared.reasons import ReasonCode, Rejection, reject
from functions.shared.variants import UnsupportedVariantError
from functions.validate import avif, gif, jpeg, memory, png, tiff, webp
from functions.validate.counted import CountedReader


@dataclass(frozen=True, kw_only=True)
class ImageLimits:
    """Bounds on what is decoded.

    Args:
        max_pixels: largest image, summed over its frames.
        max_frames: longest animation or document.
    """

    max_pixels: int
    max_frames: int


@dataclass(frozen=True, kw_only=True)
class Measures:
    """An image that decodes.

    Args:
        width, height: pixels of the first frame as shown, so with its EXIF orientation applied.
        frames: how many frames or pages it has.
    """

    width: int
    height: int
    frames: int


def measure(body: BinaryIO, format: Format, limits: ImageLimits) -> Measures | Rejection:
    """Check an image's frames and pixels before anything is decoded, then decode every frame.

    Args:
        body: the file, seekable.
        format: what it was recognised as.
        limits: bounds on frames and pixels.

    Raises:
        MemoryError: the function has too little memory for an image within the limits, whatever it is like.
    """
    try:
        return _measured(CountedReader(body), format, limits)
    except Image.DecompressionBombError:
        return reject(ReasonCode.TOO_MANY_PIXELS, actual=f"more than {limits.max_pixels:,}", limit=limits.max_pixels)
    except UnsupportedVariantError as error:
        return reject(ReasonCode.UNSUPPORTED_VARIANT, variant=error.variant, found=format.content_type)
    except MemoryError:
        raise
    except Exception as error:
        # Decoders meet bytes that nobody foresaw and raise whatever those lead to. All of it says the same: broken.
        detail = _in_words(error)
    pixels = _announced_pixels(body, format, limits)
    if pixels <= limits.max_pixels and memory.is_short(pixels):
        raise MemoryError(f"there is too little memory to decode the file; the decoder said: {detail}")
    return reject(ReasonCode.CORRUPT, found=format.content_type, detail=detail)


def _measured(reader: Any, format: Format, limits: ImageLimits) -> Measures | Rejection:
    sizes = _announced_frame_sizes(reader, format, limits)
    is_deep = False
    if format is AVIF and (announced := avif.properties(reader)):
        is_deep = announced.is_deep
        if math.prod(announced.size) > limits.max_pixels:
            raise Image.DecompressionBombError
        reader.seek(0)
    image = open_image(reader, format, max_pixels=limits.max_pixels)
    sizes = sizes or _opened_frame_sizes(image, format, limits)
    if len(sizes) > limits.max_frames:
        return reject(ReasonCode.TOO_MANY_FRAMES, limit=limits.max_frames)
    pixels = sum(width * height for width, height in sizes)
    is_deep = is_deep or image.info.get("bit_depth", 8) > 8
    limit = memory.most_pixels(format, is_deep=is_deep, has_alpha="A" in image.mode, max_pixels=limits.max_pixels)
    if pixels > limit:
        return reject(ReasonCode.TOO_MANY_PIXELS, actual=f"{pixels:,}", limit=limit)
    width, height = upright_size(image.size, orientation(image))
    if format is PNG:
        png.check_data(reader)
    _decode(image, format, sizes)
    return Measures(width=width, height=height, frames=len(sizes))


def _announced_pixels(body: Any, format: Format, limits: ImageLimits) -> int:
    """How many pixels the first frame has by its header; 0 if that cannot be read."""
    try:
        if format is WEBP:
            return math.prod(webp.canvas_size(body))
        if format is AVIF and (announced := avif.properties(body)):
            return math.prod(announced.size)
        body.seek(0)
        return math.prod(open_image(body, format, max_pixels=limits.max_pixels).size)
    except Exception:
        return 0


def _announced_frame_sizes(body: BinaryIO, format: Format, limits: ImageLimits) -> list[tuple[int, int]]:
    """Each frame's size where it has to be known before Pillow sees the file; one more than the limit at most."""
    match format.pillow:
        case "GIF":
            return list(itertools.islice(gif.frame_sizes(body), limits.max_frames + 1))
        case "TIFF":
            return list(itertools.islice(tiff.frame_sizes(body), limits.max_frames + 1))
        case "JPEG":
            jpeg.check(body, max_pixels=limits.max_pixels)
            return []
        case _:
            return []


def _opened_frame_sizes(image: ImageFile.ImageFile, format: Format, limits: ImageLimits) -> list[tuple[int, int]]:
    """Each frame's size as Pillow's header readers know it; one more than the limit at most."""
    if format is JPEG:
        return [image.size]  # the previews and gain maps that cameras append are not the image
    frames = min(getattr(image, "n_frames", 1), limits.max_frames + 1)
    if format is not HEIC:
        return [image.size] * frames  # on one canvas; and to seek would decode
    sizes = []
    for frame in range(frames):
        image.seek(frame)
        sizes.append(image.size)
    image.seek(0)
    return sizes


def _decode(image: ImageFile.ImageFile, format: Format, sizes: list[tuple[int, int]]) -> None:
    """Decode every frame, each of the size that was counted against the limit and no other."""
    for frame, counted in enumerate(sizes):
        image.seek(frame)
        if math.prod(image.size) != math.prod(counted):
            raise ValueError("its frames have other sizes than its blocks announce")
        if format is JPEG:
            # At an eighth and grey, libjpeg still reads every coded bit, so it meets the place where a file breaks off.
            image.draft("L", (max(1, image.width // 8), max(1, image.height // 8)))
        announced = image.size
        image.load()
        if image.size != announced:
            raise ValueError("its header announces another size than its data has")
        to_srgb(plain(image.crop((0, 0, 1, 1))))  # the transforms do this to the whole picture


def _in_words(error: Exception) -> str:
    """What the decoder said, as far as it is for people."""
    if isinstance(error, UnidentifiedImageError):
        return "its header is damaged"
    if isinstance(error, (OSError, SyntaxError, ValueError)):
        said = str(error).removesuffix(" for PngImagePlugin.MAX_TEXT_CHUNK")
        return " ".join(said.split())[:200].rstrip(".") or "its data is damaged"
    return "its data is damaged"
