"""Registers Pillow's PNG decoder with room for the text that editors write, such as the history of a long session."""

from __future__ import annotations

from PIL import PngImagePlugin

# Pillow's own limit is 1 MiB for each text, and 64 MiB for all of them together, which stays.
PngImagePlugin.MAX_TEXT_CHUNK = 8 << 20
