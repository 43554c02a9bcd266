"""Measures an image from its headers, then decodes it at the lowest cost that its format allows, to detect damage."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, BinaryIO

from PIL import Image, ImageFile, UnidentifiedImageError

from functions.shared.formats import AVIF, HEIC, JPEG, PNG, WEBP, Format
from functions.shared.images import open_image, orientation, upright, upright_size
from functions.shared.reasons import ReasonCode, Rejection, reject
from functions.shared.sample import sample_size, sampled, to_text
from functions.shared.variants import UnsupportedVariantError
from functions.validate import avif, gif, jpeg, memory, png, tiff, webp
from functions.validate.accepted import Accepted
from functions.validate.counted import CountedReader


@dataclass(frozen=True, kw_only=True)
class ImageLimits:
    """Limits on what is decoded.

    Args:
        max_pixels: most pixels of an image, summed over its frames.
        max_frames: most frames of an animation or pages of a document.
    """

    max_pixels: int
    max_frames: int


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Measures of a valid image.

    Args:
        width, height: size of the first frame in pixels, with its EXIF orientation applied.
        frames: the number of frames or pages.
    """

    width: int
    height: int
    frames: int


def measure(body: BinaryIO, format: Format, limits: ImageLimits) -> Accepted | Rejection:
    """Check an image's frames and pixels before anything is decoded, then decode every frame.

    Args:
        body: the file, seekable.
        format: the format that was detected.
        limits: limits on frames and pixels.

    Raises:
        MemoryError: the function has too little memory to decode an image within the limits.
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
        # Decoders raise many types of exceptions for invalid data; each of them means that the file is damaged.
        detail = _description(error)
    pixels = _declared_pixels(body, format, limits)
    if pixels <= limits.max_pixels and memory.is_short(pixels):
        raise MemoryError(f"there is too little memory to decode the file; the decoder reported: {detail}")
    return reject(ReasonCode.CORRUPT, found=format.content_type, detail=detail)


def _measured(reader: Any, format: Format, limits: ImageLimits) -> Accepted | Rejection:
    sizes = _declared_frame_sizes(reader, format, limits)
    is_deep = False
    if format is AVIF and (declared := avif.properties(reader)):
        is_deep = declared.is_deep
        if math.prod(declared.size) > limits.max_pixels:
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
    turn = orientation(image)
    width, height = upright_size(image.size, turn)
    if format is PNG:
        png.check_data(reader)
    sample = upright(_decoded(image, format, sizes), turn)
    return Accepted(measures=Measures(width=width, height=height, frames=len(sizes)), sample=to_text(sample))


def _declared_pixels(body: Any, format: Format, limits: ImageLimits) -> int:
    """The first frame's number of pixels according to its header; 0 if that cannot be read."""
    try:
        if format is WEBP:
            return math.prod(webp.canvas_size(body))
        # Without the decoder, which may lack the memory to read even the header.
        if format in (AVIF, HEIC) and (declared := avif.properties(body)):
            return math.prod(declared.size)
        body.seek(0)
        return math.prod(open_image(body, format, max_pixels=limits.max_pixels).size)
    except Exception:
        return 0


def _declared_frame_sizes(body: BinaryIO, format: Format, limits: ImageLimits) -> list[tuple[int, int]]:
    """Each frame's size, if it must be checked before Pillow opens the file; at most one over the limit."""
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
    """Each frame's size as Pillow reads it from headers; at most one over the limit."""
    if format is JPEG:
        return [image.size]  # without the previews and gain maps that cameras append
    frames = min(getattr(image, "n_frames", 1), limits.max_frames + 1)
    if format is not HEIC:
        return [image.size] * frames  # all frames have the canvas's size; seeking would decode them
    sizes = []
    for frame in range(frames):
        image.seek(frame)
        sizes.append(image.size)
    image.seek(0)
    return sizes


def _decoded(image: ImageFile.ImageFile, format: Format, sizes: list[tuple[int, int]]) -> Image.Image:
    """Decode every frame, and check that each has the size that was counted against the limit.

    Returns:
        The first frame's sample, without the orientation applied.
    """
    samples: list[Image.Image] = []
    for frame, counted in enumerate(sizes):
        image.seek(frame)
        if math.prod(image.size) != math.prod(counted):
            raise ValueError("its frames have other sizes than its blocks declare")
        size = sample_size(image.size)
        if format is JPEG:
            # At a reduced size, down to an eighth, libjpeg still reads all coded data, so it detects a truncated file.
            image.draft("RGB", size)
        declared = image.size
        if samples:
            image.load()
        else:
            samples.append(sampled(image, size))  # converts the whole picture, as the transforms do
        if image.size != declared:
            raise ValueError("its header declares another size than its data has")
    return samples[0]


def _description(error: Exception) -> str:
    """The decoder's message if it is meant for users, else a general one."""
    if isinstance(error, UnidentifiedImageError):
        return "its header is damaged"
    if isinstance(error, (OSError, SyntaxError, ValueError)):
        message = str(error).removesuffix(" for PngImagePlugin.MAX_TEXT_CHUNK")
        return " ".join(message.split())[:200].rstrip(".") or "its data is damaged"
    return "its data is damaged"
