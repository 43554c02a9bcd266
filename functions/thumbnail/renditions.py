"""Makes every preset of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from functions.shared.answers import Rendition
from functions.shared.formats import Format
from functions.shared.rendering import Renderer
from functions.thumbnail.presets import Preset


def make_renditions(
    body: BinaryIO, format: Format, presets: Sequence[Preset], *, max_pixels: int
) -> Iterator[Rendition]:
    """Make every preset in each of its formats from one decode, largest first.

    Every preset is always made, so that consumers can rely on the names; an image smaller than a preset is encoded at
    its own size, never enlarged.

    Args:
        body: the file, seekable.
        format: the format that was detected.
        presets: the configured renditions.
        max_pixels: see `open_image`.
    """
    renderer = Renderer(body, format, max_pixels=max_pixels)
    for preset in sorted(presets, key=lambda preset: renderer.decoded_pixels(preset.spec), reverse=True):
        made = renderer.render(preset.spec)
        yield Rendition(
            name=preset.name,
            file_name=f"{preset.preset}{made.format.extension}",
            content_type=made.format.content_type,
            measures=made.measures,
            body=made.body,
        )
