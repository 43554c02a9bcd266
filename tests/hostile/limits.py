"""The limits of each function: as small as the stack's settings allow for files of these sizes."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contract.memory import MEMORY_KEYWORD, OUTPUT_KEYWORD, needed_mb, output_bytes
from functions.validate.memory import DECODED_BYTES_PER_PIXEL, WATERMARKED_BYTES_PER_PIXEL

MAX_BYTES, MAX_PIXELS, MAX_FRAMES = 4 << 20, 4_000_000, 30
"""Of pictures. Small, so that what is too large for them is made quickly."""
MAX_TABLE_BYTES, MAX_ROWS, MAX_COLUMNS = 16 << 20, 100_000, 200
LARGEST_WIDTH = 640

_CLEAR_REFS = Path("/proc/self/clear_refs")
_FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"


@dataclass(frozen=True, kw_only=True)
class FunctionLimits:
    """What a function may use.

    Args:
        memory_mb: megabytes of memory.
        seconds: its timeout.
        reserved_mb: what its libraries reserve beside that and never use: DuckDB's allocator, hundreds of megabytes.
    """

    memory_mb: int
    seconds: int
    reserved_mb: int = 0


def _declared(path: str) -> dict[str, int]:
    return json.loads((_FUNCTIONS / path).read_text(encoding="utf-8"))[MEMORY_KEYWORD]


def _picture_mb(bytes_per_pixel: int, largest_output_bytes: int = 0) -> int:
    return needed_mb(
        max_bytes=MAX_BYTES,
        limits={"maxPixels": MAX_PIXELS},
        bytes_per={"maxPixels": bytes_per_pixel},
        largest_output_bytes=largest_output_bytes,
    )


def _thumbnail_output_bytes() -> int:
    schema = json.loads((_FUNCTIONS / "thumbnail/settings.schema.json").read_text(encoding="utf-8"))
    width = schema["properties"]["presets"]["additionalProperties"]["properties"]["width"]
    return output_bytes(width[OUTPUT_KEYWORD], LARGEST_WIDTH, {"maxPixels": MAX_PIXELS})


# The timeouts are the defaults of Pulumi.yaml and of the API.
LIMITS = {
    "validate": FunctionLimits(memory_mb=_picture_mb(DECODED_BYTES_PER_PIXEL), seconds=60),
    "thumbnail": FunctionLimits(memory_mb=_picture_mb(DECODED_BYTES_PER_PIXEL, _thumbnail_output_bytes()), seconds=90),
    "watermark": FunctionLimits(memory_mb=_picture_mb(WATERMARKED_BYTES_PER_PIXEL), seconds=90),
    "metadata": FunctionLimits(memory_mb=_picture_mb(DECODED_BYTES_PER_PIXEL), seconds=60),
    "table": FunctionLimits(
        memory_mb=needed_mb(
            max_bytes=0, limits={"maxColumns": MAX_COLUMNS}, bytes_per=_declared("table/settings.schema.json")
        ),
        seconds=90,
        reserved_mb=1024,
    ),
    "api": FunctionLimits(memory_mb=1024, seconds=15),
}


def _memory_bytes(name: str) -> int:
    """A line of this process's status (proc(5)): VmRSS, VmHWM (its peak), or VmData, which RLIMIT_DATA limits."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith(f"{name}:"))


@contextmanager
def limited(function: str) -> Iterator[None]:
    """Work within a function's limits, which count from what the process has already.

    More memory is refused, as a MemoryError or as the library at hand reports it. More time ends the process; it is
    processor time, so that a busy machine fails no input.

    Raises:
        MemoryError: more memory than the function has was in use.
    """
    limits = LIMITS[function]
    used, reserved = _memory_bytes("VmRSS"), _memory_bytes("VmData")
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (reserved + (limits.memory_mb + limits.reserved_mb << 20), most))
    _CLEAR_REFS.write_text("5")  # sets the peak to what is in use now (proc(5), clear_refs)
    signal.setitimer(signal.ITIMER_PROF, limits.seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    if (peak := _memory_bytes("VmHWM") - used) > limits.memory_mb << 20:
        raise MemoryError(f"{function} used {peak >> 20} MB; it has {limits.memory_mb}")
