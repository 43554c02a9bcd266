"""An image's sample: a small copy of its first frame, for what needs its colours but not the file.

Validate makes it of what it decodes anyway, and the workflow passes it to the transforms as text.
"""

from __future__ import annotations

import base64
import io

from PIL import Image

from functions.shared.errors import TransientError
from functions.shared.formats import PNG
from functions.shared.images import encoded, plain, to_srgb

_LONGEST_SIDE = 48
"""In pixels; ThumbHash uses no more. The text is at most 12.5 KB, and Step Functions passes 256 KB between states."""


def sample_size(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height in pixels of the sample of an image of this size, which is never enlarged."""
    scale = min(1.0, _LONGEST_SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def sampled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Decode an opened image's current frame, and make its sample.

    Args:
        image: not loaded yet; a JPEG may be set to be decoded at a reduced size.
        size: the sample's width and height.

    Returns:
        Mode L, RGB, or RGBA if the image has transparency, in sRGB, without the orientation applied.
    """
    return to_srgb(plain(image).resize(size, Image.Resampling.BOX, reducing_gap=2.0))


def to_text(sample: Image.Image) -> str:
    """A sample as the workflow passes it: PNG, which loses nothing, in base64."""
    return base64.b64encode(encoded(sample, PNG, quality=0)).decode()


def from_text(text: str) -> Image.Image:
    """The sample in a transform's payload, of the mode that it had.

    Raises:
        TransientError: there is none.
    """
    if not text:
        raise TransientError(
            "The event has no sample of the image, because a release that makes none validated it. The queue delivers "
            "the file again, and it is validated again."
        )
    return Image.open(io.BytesIO(base64.b64decode(text)), formats=[PNG.pillow])
