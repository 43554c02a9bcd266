"""The limits on accepted files, from the stack's settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.media import MEDIA_TYPES, max_bytes_of
from functions.shared.errors import ConfigurationError

MAX_KEY_BYTES = 900
"""S3 keys have at most 1,024 UTF-8 bytes; a rendition's key adds `processed/`, a version id of 32 bytes and a name."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits on accepted files.

    Args:
        max_bytes: size of the largest file of a family that has no `maxBytes` of its own.
        allowed_types: MIME types, keys of `MEDIA_TYPES`.
        families: each family's limits by its name, for the module that measures it.
    """

    max_bytes: int
    allowed_types: tuple[str, ...]
    families: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def largest_bytes(self) -> int:
        """Size of the largest file of any type."""
        return max(self.max_bytes, *map(self.max_bytes_of, self.allowed_types))

    def max_bytes_of(self, media_type: str) -> int:
        """Size of the largest file of a type."""
        return max_bytes_of(media_type, self.families, self.max_bytes)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Limits:
        """Read MAX_BYTES and MEDIA, {family: {accepted, and the family's limits}}.

        Raises:
            ConfigurationError: one is missing or invalid, or contains a type that is not registered.
        """
        try:
            families = json.loads(environment["MEDIA"])
            allowed_types = tuple(media_type for family in families.values() for media_type in family["accepted"])
            limits = cls(max_bytes=int(environment["MAX_BYTES"]), allowed_types=allowed_types, families=families)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"MAX_BYTES or MEDIA is invalid: {error!r}. Deploy the stack again.") from error
        if unknown := set(allowed_types) - set(MEDIA_TYPES):
            raise ConfigurationError(
                f"MEDIA accepts {', '.join(sorted(unknown))}; the registered types are {', '.join(MEDIA_TYPES)}."
            )
        return limits
