"""Frees a decoder's own copies of the pixels before Pillow makes another: WebP's holds two, AVIF's one."""

from __future__ import annotations

from typing import Any

from PIL import Image


def decode_one_frame(image: Image.Image) -> None:
    """Have an opened image of any format and one frame drop its decoder as soon as that has returned the frame.

    The decoder of several frames is kept; each of them has only a part of the pixels for which there is memory.
    """
    if (decoder := vars(image).get("_decoder")) and getattr(image, "n_frames", 1) == 1:
        vars(image)["_decoder"] = _OneFrame(decoder)


class _OneFrame:
    """A decoder of Pillow's plugin for WebP or AVIF."""

    def __init__(self, decoder: Any) -> None:
        self._decoder: Any = decoder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)

    def get_next(self) -> Any:
        """Of WebP; None if the frame is damaged."""
        return self._dropped(self._decoder.get_next())

    def get_frame(self, number: int) -> Any:
        """Of AVIF."""
        return self._dropped(self._decoder.get_frame(number))

    def _dropped(self, frame: Any) -> Any:
        if frame is not None:
            self._decoder = None
        return frame
