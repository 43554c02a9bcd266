"""Registers the HEIC decoder with Pillow when it is first needed: its libraries cost a cold start 40 ms."""

from __future__ import annotations

import pillow_heif

# Embedded thumbnails stay unused: they are tiny, and a hostile file's need not show its image.
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=2)
