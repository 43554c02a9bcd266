"""How large files are cut into parts."""

from __future__ import annotations

from functions.api.models import MAX_PARTS, Parts
from functions.http_api.problems import invalid_field

PART_BYTES = 8 * 2**20
"""The size of a part, unless a file would have more than `MAX_PARTS` of them. S3 takes no parts under 5 MiB."""


def parts_of(size: int | None) -> Parts:
    """The parts of a file.

    Args:
        size: its bytes; None if unknown.
    """
    if size is None:
        return Parts(part_size=PART_BYTES)
    part_size = PART_BYTES * -(-size // (PART_BYTES * MAX_PARTS))
    return Parts(part_size=part_size, parts=-(-size // part_size))


def part_bytes(size: int | None, number: int) -> int | None:
    """The bytes of one part; None where the file's size is not known.

    Raises:
        Problem: the file has no such part.
    """
    cut = parts_of(size)
    if size is None or cut.parts is None:
        return None
    if number > cut.parts:
        raise invalid_field("partNumber", f"The file has {cut.parts} parts of {cut.part_size:,} bytes.")
    return min(cut.part_size, size - (number - 1) * cut.part_size)
