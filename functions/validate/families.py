"""How each family of media types is measured: one entry for each family that the settings may accept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from contract.media import MEDIA_TYPES
from functions.shared.formats import FORMATS
from functions.shared.reasons import Rejection
from functions.validate import decoding
from functions.validate.limits import Limits

Measuring = Callable[[BinaryIO, str, Limits], Any]
"""(file, media type, limits) -> a dataclass of what was measured, or a `Rejection`."""


def _image(body: BinaryIO, media_type: str, limits: Limits) -> decoding.Measures | Rejection:
    return decoding.measure(body, FORMATS[media_type], limits)


FAMILIES: Mapping[str, Measuring] = {"image": _image}
"""By the family's name; its limits are declared in `functions/validate/<family>.schema.json`."""


def measure(body: BinaryIO, media_type: str, limits: Limits) -> Any:
    """Measure an accepted file.

    Args:
        body: the file, seekable.
        media_type: what its bytes show, one of the accepted types.
        limits: bounds on what is measured.

    Returns:
        A dataclass of what was measured, or why the file is rejected.
    """
    return FAMILIES[MEDIA_TYPES[media_type].family](body, media_type, limits)
