"""What validate accepts, as the stack's settings say."""

from __future__ import annotations

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
        """Read MAX_BYTES, MAX_PIXELS, MAX_FRAMES and ALLOWED_TYPES.

        Raises:
            ConfigurationError: one is missing, or names a type that no function can decode.
        """
        try:
            allowed_types = tuple(name.strip() for name in environment["ALLOWED_TYPES"].split(","))
            limits = cls(
                max_bytes=int(environment["MAX_BYTES"]),
                max_pixels=int(environment["MAX_PIXELS"]),
                max_frames=int(environment["MAX_FRAMES"]),
                allowed_types=allowed_types,
            )
        except (KeyError, ValueError) as error:
            raise ConfigurationError(f"validate's environment: {error!r}. Deploy the stack again.") from error
        if unknown := set(allowed_types) - set(FORMATS):
            raise ConfigurationError(
                f"ALLOWED_TYPES names {', '.join(sorted(unknown))}; what can be decoded is {', '.join(FORMATS)}."
            )
        return limits
