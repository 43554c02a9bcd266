"""How much memory a function needs for the largest file that the settings accept.

How many bytes a function takes at its peak for each unit of a limit, such as a pixel of `maxPixels`, is measured, and
declared as `x-memoryBytesPer` in the JSON Schema of the media type's limits, or of the transform that takes more. What
a large output takes is declared as `x-outputMemory` of the setting that makes it large.
"""

import math
from collections.abc import Mapping
from typing import Any

FUNCTION_MB = 128
"""What a function takes itself, with its libraries."""

MEMORY_KEYWORD = "x-memoryBytesPer"
"""In a schema: bytes by the name of a limit."""

OUTPUT_KEYWORD = "x-outputMemory"
"""In the schema of a setting that is one side of an output: {otherSide: the longest, limit: the name of the limit on
its area, bytes: for each unit of its area}."""


def output_bytes(declared: Mapping[str, Any], side: int, limits: Mapping[str, Any]) -> int:
    """Bytes of memory that the largest output with a side of this length takes.

    Args:
        declared: the value of `OUTPUT_KEYWORD`.
        side: the setting's value.
        limits: the media type's limits by name.
    """
    return min(side * declared["otherSide"], limits[declared["limit"]]) * declared["bytes"]


def needed_mb(
    *, max_bytes: int, limits: Mapping[str, Any], bytes_per: Mapping[str, int], largest_output_bytes: int = 0
) -> int:
    """Megabytes of memory that a function needs.

    Args:
        max_bytes: the largest file.
        limits: the media type's limits by name.
        bytes_per: bytes for each unit of a limit, by the limit's name.
        largest_output_bytes: see `output_bytes`; what is decoded is gone when an output is encoded.
    """
    decoded = sum(limits[name] * bytes_each for name, bytes_each in bytes_per.items())
    content = max(decoded, largest_output_bytes)
    return FUNCTION_MB + math.ceil((max_bytes + content) / 2**20)
