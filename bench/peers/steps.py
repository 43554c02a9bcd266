"""What every contender is asked to do, by name; `sharp.mjs` has the same names."""

from __future__ import annotations

WIDTHS = (1280, 640, 320, 160)
QUALITY, AVIF_QUALITY, WATERMARK_QUALITY = 82, 60, 85
WIDTH = 320
TEXT = "© img-pipeline"
OPACITY = 0.6

SMALL, SET, AVIF, WATERMARK, ANIMATION, TABLE = "small", "set", "avif", "watermark", "animation", "table"
"""A JPEG of 320 pixels, four sizes as JPEG, an AVIF of 320 pixels, the whole picture in its format with a text in its
corner, an animated WebP of 320 pixels, and a CSV as Parquet with the profile of its columns."""
