"""Measures a file as its family of media types is measured: by the module of the family's name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, BinaryIO

from contract.media import MEDIA_TYPES


def measure(body: BinaryIO, media_type: str, limits: Mapping[str, Mapping[str, Any]]) -> Any:
    """Measure an accepted file.

    The family's module is imported when its first file comes, so that no other family's files wait for its libraries.

    Args:
        body: the file, seekable.
        media_type: what its bytes show, one of the accepted types.
        limits: each family's own, by its name, as its schema declares them.

    Returns:
        A dataclass of what was measured, or the `Rejection` of the file.

    Raises:
        ConfigurationError: the limits are not those that the schema declares.
    """
    family = MEDIA_TYPES[media_type].family
    module = importlib.import_module(f"functions.validate.{family}")
    return module.measure(body, media_type, limits[family])
