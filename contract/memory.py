"""How much memory a function needs for the largest file that the settings accept.

How many bytes a function takes at its peak for each unit of a limit, such as a pixel of `maxPixels`, is measured, and
declared as `x-memoryBytesPer` in the JSON Schema of the media type's limits, or of the transform that takes more.
"""

import math
from collections.abc import Mapping
from typing import Any

FUNCTION_MB = 128
"""What a function takes itself, with its libraries."""

MEMORY_KEYWORD = "x-memoryBytesPer"
"""In a schema: bytes by the name of a limit."""


def needed_mb(*, max_bytes: int, limits: Mapping[str, Any], bytes_per: Mapping[str, int]) -> int:
    """Megabytes of memory that a function needs.

    Args:
        max_bytes: the largest file.
        limits: the media type's limits by name.
        bytes_per: bytes for each unit of a limit, by the limit's name.
    """
    content = sum(limits[name] * bytes_each for name, bytes_each in bytes_per.items())
    return FUNCTION_MB + math.ceil((max_bytes + content) / 2**20)
