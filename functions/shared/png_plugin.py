"""Registers Pillow's PNG decoder with a higher limit on text: image editors store large edit histories in it."""

from __future__ import annotations

from PIL import PngImagePlugin

# Pillow's default is 1 MiB for each text; its limit of 64 MiB on all texts together is not changed.
PngImagePlugin.MAX_TEXT_CHUNK = 8 << 20
