"""What validate accepts, as the stack's settings say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from functions.shared.errors import ConfigurationError
from functions.shared.formats import FORMATS

MAX_KEY_BYTES = 900
"""S3 takes keys of 1,024 UTF-8 bytes; a rendition's adds `processed/`, a version id of 32 and its own name."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on what is accepted.

    Args:
        max_bytes: largest file.
        max_pixels: largest image, summed over its frames.
        max_frames: longest animation or document.
        allowed_types: MIME types, keys of `FORMATS`.
    """

    max_bytes: int
    max_pixels: int
    max_frames: int
    allowed_types: tuple[str, ...]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Limits:
        """Read MAX_BYTES and MEDIA.

        Raises:
            ConfigurationError: one is missing, or names a type that no function can decode.
        """
        try:
            image = json.loads(environment["MEDIA"])["image"]
            allowed_types = tuple(image["accepted"])
            limits = cls(
                max_bytes=int(environment["MAX_BYTES"]),
                max_pixels=int(image["maxPixels"]),
                max_frames=int(image["maxFrames"]),
                allowed_types=allowed_types,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"validate's environment: {error!r}. Deploy the stack again.") from error
        if unknown := set(allowed_types) - set(FORMATS):
            raise ConfigurationError(
                f"MEDIA accepts {', '.join(sorted(unknown))}; what can be decoded is {', '.join(FORMATS)}."
            )
        return limits
