"""Runs one step on a file with a hard limit on memory: python -m tests.unit.limited STEP FILE MEGABYTES MAX_PIXELS.

STEP is validate, thumbnail, watermark, metadata, or the specification of a rendition as JSON.

Linux counts all private writable memory against RLIMIT_DATA, used or not, so this limit is stricter than Lambda's on
resident memory. Prints the outcome: the reason code or COMPLETED.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from PIL import Image

from contract.renditions import RenditionSpec
from contract.signatures import SNIFF_BYTES
from functions.metadata.describing import describe
from functions.shared.formats import FORMATS
from functions.shared.reasons import Rejection
from functions.shared.rendering import render
from functions.shared.sniffing import sniff
from functions.shared.watermark.mark import TextMark
from functions.shared.watermark.settings import Position
from functions.thumbnail.presets import Preset
from functions.thumbnail.renditions import make_renditions
from functions.validate.decoding import ImageLimits, measure
from functions.watermark.stamping import watermark

PRESETS = [
    Preset(preset=f"w{width}", spec=RenditionSpec(format=format, width=width))
    for width in (1280, 640, 320, 160)
    for format in ("jpeg", "webp")
]


def main(step: str, file: str, megabytes: str, most: str) -> None:
    """Run and print."""
    max_pixels = int(most)
    limits = ImageLimits(max_pixels=max_pixels, max_frames=300)
    resource.setrlimit(resource.RLIMIT_DATA, (int(megabytes) << 20, int(megabytes) << 20))
    with Path(file).open("rb") as body:
        format = FORMATS[sniff(body.read(SNIFF_BYTES))]
        match step:
            case "validate":
                finding = measure(body, format, limits)
                print(finding.code if isinstance(finding, Rejection) else "COMPLETED")
                return
            case "thumbnail":
                for _ in make_renditions(body, format, PRESETS, max_pixels=max_pixels):
                    pass
            case "watermark":
                mark, position = TextMark("© img-pipeline"), Position.BOTTOM_RIGHT
                watermark(body, format, mark, opacity=0.6, position=position, max_pixels=max_pixels)
            case "metadata":
                describe(body, format, Image.new("RGBA", (48, 48)), max_pixels=max_pixels)
            case _:
                render(body, format, RenditionSpec.from_json(json.loads(step)), max_pixels=max_pixels)
    print("COMPLETED")


if __name__ == "__main__":
    main(*sys.argv[1:])
