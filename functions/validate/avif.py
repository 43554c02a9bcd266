"""Reads an AVIF's properties before it is decoded: size, depth, and features that the decoder does not support."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import BinaryIO

from functions.shared.variants import UnsupportedVariantError

# ISO/IEC 14496-12 (ISO base media file format), 4.2: boxes; 8.11: the meta box. ISO/IEC 23008-12 (HEIF), 6.5 and 9.3:
# item properties. AV1 Codec ISO Media File Format Binding, 2.3: av1C.
_BOX = Struct(">I4s")
_LARGE_SIZE = Struct(">Q")
_FULL_BOX_BYTES = 4
_SIZE = Struct(">II")
_APERTURE = Struct(">IIII")
_ALPHA_TYPES = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", b"urn:mpeg:hevc:2015:auxid:1\0")
_ESSENTIAL_BITS = {1: 0x7F, 2: 0x7FFF}

_LONGEST_SIDE = 32768
"""libavif's AVIF_DEFAULT_IMAGE_DIMENSION_LIMIT."""


@dataclass(frozen=True)
class _Property:
    kind: bytes
    payload: bytes


@dataclass(frozen=True, kw_only=True)
class Properties:
    """Properties of an AVIF's primary item.

    Args:
        size: stored width and height.
        is_deep: whether it has more than 8 bits a sample.
    """

    size: tuple[int, int]
    is_deep: bool


@dataclass
class _Meta:
    primary: int = 0
    properties: list[_Property] = field(default_factory=list)
    associations: dict[int, list[int]] = field(default_factory=dict)

    def of(self, item: int) -> dict[bytes, bytes]:
        """An item's properties, by type."""
        indices = (index for index in self.associations.get(item, []) if 0 < index <= len(self.properties))
        return {found.kind: found.payload for found in (self.properties[index - 1] for index in indices)}


def properties(body: BinaryIO) -> Properties | None:
    """The primary item's properties; None for a file without them, such as a sequence that has only tracks.

    Args:
        body: the file, seekable; left at an unspecified position.

    Raises:
        UnsupportedVariantError: the decoder does not support it, or would ignore that it is cropped.
        struct.error: a box is incomplete.
    """
    meta = _meta(body)
    primary = meta.of(meta.primary)
    if b"ispe" not in primary:
        return None
    size = _SIZE.unpack_from(primary[b"ispe"], _FULL_BOX_BYTES)
    if max(size) > _LONGEST_SIDE:
        raise UnsupportedVariantError(f"an AVIF with a side of more than {_LONGEST_SIDE:,} pixels")
    if b"clap" in primary and not _is_whole(primary[b"clap"], size):
        raise UnsupportedVariantError("an AVIF with a clean aperture, which crops it")
    for item in meta.associations:
        auxiliary = meta.of(item)
        is_alpha = auxiliary.get(b"auxC", b"")[_FULL_BOX_BYTES:].startswith(_ALPHA_TYPES)
        if is_alpha and b"ispe" not in auxiliary:
            raise UnsupportedVariantError("an AVIF whose transparency has no size, as early encoders wrote it")
    configuration = primary.get(b"av1C", b"")
    return Properties(size=size, is_deep=len(configuration) < 3 or bool(configuration[2] & 0x40))


def _is_whole(aperture: bytes, size: tuple[int, int]) -> bool:
    width, width_divisor, height, height_divisor = _APERTURE.unpack_from(aperture)
    return (width, height) == (size[0] * width_divisor, size[1] * height_divisor)


def _meta(body: BinaryIO) -> _Meta:
    meta = _Meta()
    for kind, payload in _boxes(_top_level(body, b"meta")[_FULL_BOX_BYTES:]):
        match kind:
            case b"pitm":
                meta.primary = int.from_bytes(
                    payload[_FULL_BOX_BYTES : _FULL_BOX_BYTES + (4 if payload[0] else 2)], "big"
                )
            case b"iprp":
                for inner, content in _boxes(payload):
                    if inner == b"ipco":
                        meta.properties = [_Property(*box) for box in _boxes(content)]
                    elif inner == b"ipma":
                        meta.associations |= _associations(content)
    return meta


def _associations(payload: bytes) -> dict[int, list[int]]:
    """The indices in ipco, from 1, of each item's properties (HEIF, 9.3.1)."""
    id_bytes = 4 if payload[0] else 2
    index_bytes = 2 if payload[3] & 1 else 1
    at = 8
    found: dict[int, list[int]] = {}
    while at + id_bytes < len(payload):
        item = int.from_bytes(payload[at : at + id_bytes], "big")
        count = payload[at + id_bytes]
        at += id_bytes + 1
        indices = [payload[at + index_bytes * n : at + index_bytes * (n + 1)] for n in range(count)]
        found[item] = [int.from_bytes(index, "big") & _ESSENTIAL_BITS[index_bytes] for index in indices]
        at += index_bytes * count
    return found


def _top_level(body: BinaryIO, wanted: bytes) -> bytes:
    """The payload of the file's first box of a type; empty if there is none."""
    position = 0
    while True:
        body.seek(position)
        header = body.read(_BOX.size + _LARGE_SIZE.size)
        if len(header) < _BOX.size:
            return b""
        size, kind, start = _extent(header)
        if kind == wanted:
            body.seek(position + start)
            return body.read(size - start if size else -1)
        if size == 0:
            return b""
        position += size


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each box's type and payload."""
    at = 0
    while at + _BOX.size <= len(data):
        size, kind, start = _extent(data[at : at + _BOX.size + _LARGE_SIZE.size])
        end = at + size if size else len(data)
        yield kind, data[at + start : end]
        at = end


def _extent(header: bytes) -> tuple[int, bytes, int]:
    """A box's size, 0 if it extends to the end of the file, its type, and the offset of its payload."""
    size, kind = _BOX.unpack_from(header)
    if size == 1:
        (size,) = _LARGE_SIZE.unpack_from(header, _BOX.size)
        return max(size, 16), kind, 16
    return (max(size, 8) if size else 0), kind, 8
