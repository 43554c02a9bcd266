"""Checks a JPEG before it is decoded: its coding process, its number of scans, and whether it is complete."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from functions.shared.formats import JPEG
from functions.shared.images import open_image
from functions.shared.jpeg import END_OF_IMAGE, START_OF_PROGRESSIVE_FRAME, START_OF_SCAN, WithTail, segments
from functions.shared.variants import UnsupportedVariantError

# A progressive photograph has about ten. A file of kilobytes can have thousands and take hours to decode ("Two Issues
# with the JPEG Standard", libjpeg-turbo project).
_MOST_SCANS = 100

# ITU-T T.81, table B.1: frame headers by coding process.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({START_OF_PROGRESSIVE_FRAME, 0xCA})
_LOSSLESS = frozenset({0xC3, 0xCB})
_HIERARCHICAL = frozenset({0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF})
_BITS = 8
_COEFFICIENTS = 64

_RESTARTS = range(0xD0, 0xD8)
_END = bytes([0xFF, END_OF_IMAGE])


@dataclass
class _Coverage:
    """The coefficients whose last bit the scans so far contain, by component."""

    components: tuple[int, ...] = ()
    is_progressive: bool = False
    complete: dict[int, set[int]] = field(default_factory=dict)

    def is_complete(self) -> bool:
        """Whether the scans so far contain all coefficients."""
        return all(len(self.complete.get(component, ())) == _COEFFICIENTS for component in self.components)


def check(body: BinaryIO, *, max_pixels: int) -> None:
    """Check a JPEG's segments, and if the end marker is missing, that nothing else is missing.

    Args:
        body: the file, seekable; left at an unspecified position.
        max_pixels: see `open_image`.

    Raises:
        UnsupportedVariantError: browsers cannot decode it.
        ValueError: it has more scans than encoders write, or its image data is truncated.
    """
    scans, coverage, marker = 0, _Coverage(), 0
    for marker, start in segments(body):
        if marker in _FRAMES:
            coverage = _frame(_payload(body, start), marker)
        if marker == START_OF_SCAN:
            # Each scan makes the decoder process the whole picture again, and takes only a few bytes.
            scans += 1
            if scans > _MOST_SCANS:
                raise ValueError(f"it has more than {_MOST_SCANS} scans, more than encoders write")
            _add_scan(coverage, _payload(body, start))
    if marker != END_OF_IMAGE and not (coverage.is_complete() and _is_whole(body, max_pixels)):
        raise ValueError("its image data is truncated")


def _payload(body: BinaryIO, start: int) -> bytes:
    body.seek(start + 2)
    return body.read(int.from_bytes(body.read(2), "big") - 2)


def _frame(header: bytes, marker: int) -> _Coverage:
    """ITU-T T.81, B.2.2: sample precision, height, width, then three bytes for each component."""
    if marker in _LOSSLESS:
        raise UnsupportedVariantError("a lossless JPEG")
    if marker in _HIERARCHICAL:
        raise UnsupportedVariantError("a hierarchical JPEG")
    if header[0] != _BITS:
        raise UnsupportedVariantError(f"a JPEG with {header[0]} bits a sample")
    return _Coverage(components=tuple(header[6::3]), is_progressive=marker in _PROGRESSIVE)


def _add_scan(coverage: _Coverage, header: bytes) -> None:
    """ITU-T T.81, B.2.3: the components, two bytes for each; the range of coefficients; their bits, the last low."""
    count = header[0]
    first, last, bits = header[1 + 2 * count : 4 + 2 * count]
    if not coverage.is_progressive:
        first, last, bits = 0, _COEFFICIENTS - 1, 0
    if bits & 0x0F == 0:
        for component in header[1 : 1 + 2 * count : 2]:
            coverage.complete.setdefault(component, set()).update(range(first, last + 1))


def _is_whole(body: BinaryIO, max_pixels: int) -> bool:
    """Whether the coded data is complete: if it is, appended coded data does not change the picture."""
    body.seek(-1, io.SEEK_END)
    stuffing = b"\0" if body.read(1) == b"\xff" else b""  # or the appended data would begin with a marker
    tails = (_END, stuffing + _coded(0b01001101), stuffing + _coded(0b10110010))
    return len({_digest(body, tail, max_pixels) for tail in tails}) == 1


def _coded(seed: int) -> bytes:
    """Irregular coded data, repeated after each restart marker: a decoder skips data until the marker it expects."""
    data = bytes((seed + 167 * index) % 0xFF for index in range(64))
    return data + b"".join(bytes([0xFF, restart]) + data for restart in (*_RESTARTS, *_RESTARTS)) + _END


def _digest(body: BinaryIO, tail: bytes, max_pixels: int) -> bytes:
    body.seek(0)
    source: Any = WithTail(body, tail)
    return hashlib.sha256(open_image(source, JPEG, max_pixels=max_pixels).tobytes()).digest()
