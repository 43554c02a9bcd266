"""Registers the HEIC decoder with Pillow. Imported only when needed: its libraries add 40 ms to a cold start."""

from __future__ import annotations

import pillow_heif

# Embedded thumbnails are not used: they are small, and in a hostile file they may show another picture.
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=2)
