"""Makes renditions of an image: upright, in sRGB, never enlarged, without the source's metadata."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, ImageFile

from contract.renditions import ATTENTION, MAX_ANIMATED_PIXELS, RenditionSpec, focal_point
from functions.shared.animation import animated_webp, frame_count, frames, loops
from functions.shared.attention import most_interesting
from functions.shared.formats import AVIF, GIF, JPEG, PNG, WEBP, Format
from functions.shared.framing import CENTER_POINT, Box, Size, crop_box, crop_size, scaled_size
from functions.shared.gif_encoding import gif
from functions.shared.images import encoded, open_image, orientation, plain, to_srgb, upright, upright_size

OUTPUT_FORMATS: dict[str, Format] = {"jpeg": JPEG, "webp": WEBP, "avif": AVIF, "png": PNG, "gif": GIF}
"""By their names in a specification."""

Area = tuple[float, float, float, float]

# The smallest factor that the decoder leaves to the filter. A JPEG's decoder scales by averaging frequencies, which is
# as good as the filter, so that a larger one costs 40 % of the time of four sizes and is not seen.
_MIN_REDUCTION = 1.1
# The factor that averaging of other formats' pixels leaves to the filter, which is of better quality.
_REDUCING_GAP = 2.0


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """An encoded rendition.

    Args:
        format: the format of `body`.
        size: width and height in pixels.
        body: the encoded image.
        frames: the number of frames that were encoded.
    """

    format: Format
    size: Size
    body: bytes
    frames: int = 1

    @property
    def measures(self) -> dict[str, int]:
        """What is recorded of it."""
        return {"width": self.size[0], "height": self.size[1], "frames": self.frames}


def render(body: BinaryIO, format: Format, spec: RenditionSpec, *, max_pixels: int) -> Rendered:
    """Make one rendition; see `Renderer`."""
    return Renderer(body, format, max_pixels=max_pixels).render(spec)


def _box(picture: Image.Image, size: Size, spec: RenditionSpec) -> Box:
    if spec.focal_point == ATTENTION:
        point = most_interesting(picture, size)
    else:
        point = focal_point(spec.focal_point) or CENTER_POINT
    return crop_box(picture.size, size, point)


class Renderer:
    """Makes renditions of one image, from one decode of its first frame if the largest is made first.

    Args:
        body: the file, seekable.
        format: the format that was detected.
        max_pixels: see `open_image`.
    """

    def __init__(self, body: BinaryIO, format: Format, *, max_pixels: int) -> None:
        self._body, self._format, self._max_pixels = body, format, max_pixels
        self._opened: ImageFile.ImageFile | None = self._open()
        self._rotation = orientation(self._opened)
        self._full = upright_size(self._opened.size, self._rotation)
        self._scaled: Image.Image | None = None
        self._made: dict[tuple[object, ...], Rendered] = {}

    def decoded_pixels(self, spec: RenditionSpec) -> int:
        """The number of pixels that the image is scaled to for a rendition, by which the largest is found."""
        width, height = scaled_size(self._full, spec)
        return width * height

    def render(self, spec: RenditionSpec) -> Rendered:
        """Scale, crop and encode."""
        scaled = scaled_size(self._full, spec)
        size = crop_size(scaled, spec)
        is_animated = spec.animated and 1 < self._frames <= MAX_ANIMATED_PIXELS // math.prod(size)
        encoding = (scaled, size, spec.focal_point, is_animated, spec.format, spec.quality)
        if encoding not in self._made:  # specifications larger than the image have the same result
            make = self._animated if is_animated else self._still
            self._made[encoding] = make(spec, scaled, size)
        return self._made[encoding]

    def picture(self, spec: RenditionSpec) -> Image.Image:
        """Scale and crop the first frame. The picture may be shared with other renditions: draw on a copy."""
        scaled = scaled_size(self._full, spec)
        return self._cropped(spec, scaled, crop_size(scaled, spec))

    def _still(self, spec: RenditionSpec, scaled: Size, size: Size) -> Rendered:
        target = OUTPUT_FORMATS[spec.format]
        body = encoded(self._cropped(spec, scaled, size), target, spec.quality)
        return Rendered(format=target, size=size, body=body)

    def _cropped(self, spec: RenditionSpec, scaled: Size, size: Size) -> Image.Image:
        picture = self._picture(scaled)
        return picture if size == scaled else picture.crop(_box(picture, size, spec))

    def _animated(self, spec: RenditionSpec, scaled: Size, size: Size) -> Rendered:
        image, self._opened = self._opened or self._open(), None
        loop, box = loops(image), None
        pictures: list[Image.Image] = []
        durations: list[int] = []
        for frame, milliseconds in frames(image):
            picture = self._shown(frame, scaled)
            box = box or _box(picture, size, spec)
            pictures.append(picture.crop(box) if size != scaled else picture)
            durations.append(milliseconds)
        target = OUTPUT_FORMATS[spec.format]
        if target is GIF:
            body = gif(pictures, durations, loop=loop)
        else:
            body = animated_webp(pictures, durations, loop=loop, quality=spec.quality)
        return Rendered(format=target, size=size, body=body, frames=len(pictures))

    @functools.cached_property
    def _frames(self) -> int:
        self._opened = self._opened or self._open()
        return frame_count(self._opened)

    def _picture(self, size: Size) -> Image.Image:
        """The whole image in this size, scaled from the last one if that is not smaller."""
        picture = self._scaled
        if picture is None or picture.width < size[0] or picture.height < size[1]:
            picture = self._scaled = None  # to free its memory before the next is decoded
            picture = self._decoded(size)
        elif picture.size != size:
            # Half the time of Lanczos, for a picture that has been through that already.
            picture = picture.resize(size, Image.Resampling.BICUBIC)
        self._scaled = picture
        return picture

    def _decoded(self, size: Size) -> Image.Image:
        """Decode, at a reduced scale if the format supports it, and convert to `size`, upright and in sRGB."""
        image, self._opened = self._opened or self._open(), None
        stored_size = upright_size(size, self._rotation)  # swaps width and height back
        wanted = (int(stored_size[0] * _MIN_REDUCTION), int(stored_size[1] * _MIN_REDUCTION))
        drafted = image.draft(None, wanted)
        box = drafted[1] if drafted else None
        return self._shown(plain(image), size, box)

    def _shown(self, source: Image.Image, size: Size, box: Area | None = None) -> Image.Image:
        """Scale a frame as it is stored, or a box of it, to `size`, upright and in sRGB."""
        stored_size = upright_size(size, self._rotation)
        if source.size != stored_size:
            source = source.resize(stored_size, Image.Resampling.LANCZOS, box=box, reducing_gap=_REDUCING_GAP)
        return upright(to_srgb(source), self._rotation)

    def _open(self) -> ImageFile.ImageFile:
        self._body.seek(0)
        return open_image(self._body, self._format, max_pixels=self._max_pixels)
