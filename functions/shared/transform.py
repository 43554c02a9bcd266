"""The payload of a transform: the file version, its media type, and what validate measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.shared.source import FileVersion


@dataclass(frozen=True, kw_only=True)
class TransformRequest:
    """A transform's payload.

    Args:
        version: the file.
        media_type: the media type that validate detected.
        measures: what validate measured. The keys depend on the media type's family.
        sample: validate's small copy of the content as text; "" if the family has none.
    """

    version: FileVersion
    media_type: str
    measures: Mapping[str, Any]
    sample: str

    @classmethod
    def from_payload(cls, event: Mapping[str, Any]) -> TransformRequest:
        """Read {"file": …, "media": …} as the workflow sends it."""
        media = event["media"]
        version = FileVersion.from_payload(event["file"])
        return cls(
            version=version,
            media_type=media["mediaType"],
            measures=media["measures"],
            sample=media.get("sample", ""),
        )
