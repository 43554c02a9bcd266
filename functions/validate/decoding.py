"""Measures an image from its headers, then decodes it as cheaply as its format allows, to find what is broken."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, ImageFile

from functions.shared.formats import GIF, HEIC, JPEG, TIFF, Format
from functions.shared.images import open_image, orientation, upright_size
from functions.shared.reasons import ReasonCode, Rejection, reject
from functions.validate.gif import frame_sizes
from functions.validate.limits import Limits


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


def measure(body: BinaryIO, format: Format, limits: Limits) -> Measures | Rejection:
    """Check an image's frames and pixels before anything is decoded, then decode every frame.

    Args:
        body: the file, seekable.
        format: what it was recognised as.
        limits: bounds on frames and pixels.
    """
    try:
        image = open_image(body, format, max_pixels=limits.max_pixels)
        sizes = list(_frame_sizes(image, body, format, limits))
        if len(sizes) > limits.max_frames:
            return reject(ReasonCode.TOO_MANY_FRAMES, limit=limits.max_frames)
        pixels = sum(width * height for width, height in sizes)
        if pixels > limits.max_pixels:
            return reject(ReasonCode.TOO_MANY_PIXELS, actual=f"{pixels:,}", limit=limits.max_pixels)
        turned = orientation(image)
        width, height = upright_size(sizes[0], turned)
        _decode(image, format, frames=len(sizes))
    except Image.DecompressionBombError:
        return reject(ReasonCode.TOO_MANY_PIXELS, actual=f"more than {limits.max_pixels:,}", limit=limits.max_pixels)
    except MemoryError:
        raise  # within the limits, so it is the function that has too little, not the file that is broken
    except Exception as error:
        # Decoders meet bytes that nobody foresaw and raise whatever those lead to. All of it says the same: broken.
        return reject(ReasonCode.CORRUPT, found=format.content_type, detail=_one_line(error))
    return Measures(width=width, height=height, frames=len(sizes))


def _frame_sizes(
    image: ImageFile.ImageFile, body: BinaryIO, format: Format, limits: Limits
) -> Iterator[tuple[int, int]]:
    """Each frame's size from the headers alone; stops one beyond the limit on frames."""
    if format is JPEG:
        # Previews and gain maps that cameras append are not the image.
        yield image.size
    elif format is GIF:
        position = body.tell()
        yield from itertools.islice(frame_sizes(body), limits.max_frames + 1)
        body.seek(position)
    elif format in (TIFF, HEIC):
        yield image.size
        for frame in range(1, limits.max_frames + 1):
            try:
                image.seek(frame)
            except EOFError:
                break
            yield image.size
        image.seek(0)
    else:
        for _ in range(min(getattr(image, "n_frames", 1), limits.max_frames + 1)):
            yield image.size


def _decode(image: ImageFile.ImageFile, format: Format, frames: int) -> None:
    if format is JPEG:
        # At an eighth and grey, libjpeg still reads every coded bit, so it meets the place where a file breaks off.
        image.draft("L", (max(1, image.width // 8), max(1, image.height // 8)))
    for frame in range(frames):
        image.seek(frame)
        image.load()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
