"""Measures a file with the module of its media type's family."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, BinaryIO

from contract.media import MEDIA_TYPES
from functions.shared.reasons import Rejection
from functions.validate.accepted import Accepted


def measure(body: BinaryIO, media_type: str, limits: Mapping[str, Mapping[str, Any]]) -> Accepted | Rejection:
    """Measure an accepted file.

    The family's module is imported with its first file, so that its libraries do not slow down other families' files.

    Args:
        body: the file, seekable.
        media_type: the detected type, one of the accepted types.
        limits: each family's limits by its name, as its schema declares them.

    Raises:
        ConfigurationError: the limits do not match the schema.
    """
    family = MEDIA_TYPES[media_type].family
    module = importlib.import_module(f"functions.validate.{family}")
    return module.measure(body, media_type, limits[family])
