"""The memory and storage that a function needs for the largest file that the settings accept.

A function's peak memory for each unit of a limit, such as a pixel of `maxPixels`, is measured, and declared as
`x-memoryBytesPer` in the JSON Schema of the media type's limits, or of a transform that needs more. The memory for a
large output is declared as `x-outputMemory` of the setting that determines its size. A function that streams files, or
keeps them in its /tmp storage, declares `x-diskBytesPerByte` and does not need memory for a whole file.
"""

import math
from collections.abc import Mapping
from typing import Any

FUNCTION_MB = 128
"""Memory of a function without a file, including its libraries."""

MEMORY_KEYWORD = "x-memoryBytesPer"
"""Keyword of a schema: bytes of memory for each unit of a limit, by the limit's name."""

OUTPUT_KEYWORD = "x-outputMemory"
"""Keyword of the schema of a setting that is the length of one side of an output: {otherSide: maximum of the other
side, limit: name of the limit on its area, bytes: bytes of memory for each unit of its area}. Of a setting that is
true or false, `otherSide` is the maximum of the area if it is true."""

DISK_KEYWORD = "x-diskBytesPerByte"
"""Keyword of a schema: bytes of /tmp storage for each byte of the largest file, which is not held in memory."""

LEAST_STORAGE_MB, MOST_STORAGE_MB = 512, 10_240
"""What AWS accepts as a function's ephemeral storage ("Configure ephemeral storage", AWS Lambda Developer Guide)."""


def output_bytes(declared: Mapping[str, Any], side: int, limits: Mapping[str, Any]) -> int:
    """Bytes of memory for the largest output with a side of this length.

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
        max_bytes: size of the largest file; 0 if it is not held in memory.
        limits: the media type's limits by name.
        bytes_per: bytes of memory for each unit of a limit, by the limit's name.
        largest_output_bytes: see `output_bytes`; the decoded file is freed before an output is encoded.
    """
    decoded = sum(limits[name] * bytes_each for name, bytes_each in bytes_per.items())
    content = max(decoded, largest_output_bytes)
    return FUNCTION_MB + math.ceil((max_bytes + content) / 2**20)


def storage_mb(*, max_bytes: int, bytes_per_byte: int) -> int:
    """Megabytes of /tmp storage that a function needs.

    Args:
        max_bytes: size of the largest file.
        bytes_per_byte: the value of `DISK_KEYWORD`, 0 if there is none.
    """
    return max(LEAST_STORAGE_MB, math.ceil(max_bytes * bytes_per_byte / 2**20) + FUNCTION_MB)
