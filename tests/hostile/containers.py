"""The parts of picture files, which can be changed one by one, with valid lengths and checksums around them."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.hostile.damage import EXTREMES, LONG_EXTREMES, damaged

# Boxes of the ISO base media file format that hold boxes, and how many bytes of their own come before those.
_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"iinf": 6, b"iref": 4, b"dinf": 0, b"moov": 0, b"trak": 0}
_CONTAINERS |= {b"mdia": 0, b"minf": 0, b"stbl": 0}


@dataclass(frozen=True)
class Part:
    """One part of a file: a chunk, a segment or a box.

    Args:
        kind: its type.
        data: its content.
    """

    kind: bytes
    data: bytes


@dataclass(frozen=True)
class Container:
    """A format of parts.

    Args:
        read: divides a file into what comes before the parts, the parts, and what comes after them.
        write: the bytes of a part.
    """

    read: Callable[[bytes], tuple[bytes, list[Part], bytes]]
    write: Callable[[Part], bytes]


def _png_parts(body: bytes) -> tuple[bytes, list[Part], bytes]:
    parts, at = [], 8
    while at + 12 <= len(body):
        (length,) = struct.unpack_from(">I", body, at)
        parts.append(Part(body[at + 4 : at + 8], body[at + 8 : at + 8 + length]))
        at += 12 + length
    return body[:8], parts, body[at:]


def _png_chunk(part: Part) -> bytes:
    checksum = zlib.crc32(part.kind + part.data)
    return struct.pack(">I", len(part.data)) + part.kind + part.data + struct.pack(">I", checksum)


def _webp_parts(body: bytes) -> tuple[bytes, list[Part], bytes]:
    parts, at = [], 12
    while at + 8 <= len(body):
        (length,) = struct.unpack_from("<I", body, at + 4)
        parts.append(Part(body[at : at + 4], body[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return body[:12], parts, body[at:]


def _webp_chunk(part: Part) -> bytes:
    return part.kind + struct.pack("<I", len(part.data)) + part.data + bytes(len(part.data) % 2)


def _jpeg_parts(body: bytes) -> tuple[bytes, list[Part], bytes]:
    """The segments before the first scan; the rest is what comes after them."""
    parts, at = [], 2
    while body[at : at + 1] == b"\xff" and body[at + 1 : at + 2] != b"\xda":
        (length,) = struct.unpack_from(">H", body, at + 2)
        parts.append(Part(body[at : at + 2], body[at + 4 : at + 2 + length]))
        at += 2 + length
    return body[:2], parts, body[at:]


def _jpeg_segment(part: Part) -> bytes:
    return part.kind + struct.pack(">H", min(2 + len(part.data), 0xFFFF)) + part.data


def _boxes(body: bytes) -> tuple[bytes, list[Part], bytes]:
    parts, at = [], 0
    while at + 8 <= len(body):
        size, kind = struct.unpack_from(">I4s", body, at)
        size = size if size >= 8 else len(body) - at
        parts.append(Part(kind, body[at + 8 : at + size]))
        at += size
    return b"", parts, body[at:]


def _box(part: Part) -> bytes:
    return struct.pack(">I4s", 8 + len(part.data), part.kind) + part.data


PNG_CHUNKS = Container(_png_parts, _png_chunk)
WEBP_CHUNKS = Container(_webp_parts, _webp_chunk)
JPEG_SEGMENTS = Container(_jpeg_parts, _jpeg_segment)
BOXES = Container(_boxes, _box)


def rearranged(rng: random.Random, body: bytes, container: Container) -> bytes:
    """The file with one part damaged, repeated, moved or left out, and valid around it."""
    before, parts, after = container.read(body)
    if not parts:
        return body
    at = rng.randrange(len(parts))
    part = parts[at]
    match rng.choice(("damage", "damage", "damage", "number", "number", "repeat", "remove", "move", "rename")):
        case "damage":
            parts[at] = Part(part.kind, damaged(rng, part.data))
        case "number" if len(part.data) >= 4:
            parts[at] = Part(part.kind, _with_number(rng, part.data))
        case "repeat":
            parts[at:at] = [part] * rng.choice((1, 2, 300))
        case "remove":
            del parts[at]
        case "rename":
            parts[at] = Part(rng.choice(parts).kind, part.data)
        case _:
            parts.insert(rng.randrange(len(parts)), parts.pop(at))
    written = b"".join(map(container.write, parts))
    if container is WEBP_CHUNKS:
        before = before[:4] + struct.pack("<I", 4 + len(written)) + before[8:]
    return before + written + after


def _with_number(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(min(len(data) - 3, 32))
    return data[:at] + struct.pack(rng.choice((">I", "<I")), rng.choice(EXTREMES)) + data[at + 4 :]


@dataclass(frozen=True)
class PlacedBox:
    """A box in a file.

    Args:
        at: its position.
        size: its bytes, header included.
        kind: its type.
    """

    at: int
    size: int
    kind: bytes


def all_boxes(body: bytes) -> Iterator[PlacedBox]:
    """The boxes of a file of the ISO base media file format, with those inside of others."""
    ranges = [(0, len(body))]
    while ranges:
        at, end = ranges.pop()
        while at + 8 <= end:
            size, kind = struct.unpack_from(">I4s", body, at)
            if size < 8:
                break
            yield PlacedBox(at, size, kind)
            if kind in _CONTAINERS:
                ranges.append((at + 8 + _CONTAINERS[kind], min(at + size, end)))
            at += size


def changed_box(rng: random.Random, body: bytes) -> bytes:
    """The file with one box's size, type or content changed, wherever it is; item locations more often than others."""
    boxes = list(all_boxes(body))
    if not boxes:
        return body
    important = [each for each in boxes if each.kind in (b"meta", b"iloc", b"ipco", b"ispe", b"ipma", b"iinf", b"stsz")]
    box = rng.choice(important if important and rng.random() < 0.6 else boxes)
    content = body[box.at + 8 : box.at + box.size]
    return body[: box.at] + _changed(rng, box, content, len(body)) + body[box.at + box.size :]


def _changed(rng: random.Random, box: PlacedBox, content: bytes, file_bytes: int) -> bytes:
    kind = box.kind
    match rng.choice(("size", "size", "large size", "content", "content", "number", "number", "type", "nested")):
        case "size":
            size = rng.choice((*EXTREMES, box.size - 1, box.size + 1, box.size * 2, file_bytes))
            header = struct.pack(">I4s", size % (1 << 32), kind)
        case "large size":
            header = struct.pack(">I4sQ", 1, kind, rng.choice((*LONG_EXTREMES, box.size + 8)))
        case "type":
            header = struct.pack(">I4s", box.size, rng.choice((b"meta", b"ispe", b"ipco", b"free", rng.randbytes(4))))
        case "nested":
            depth = rng.choice((1, 20, 3000))
            header = b"".join(struct.pack(">I4s", box.size + 8 * level, kind) for level in range(depth, -1, -1))
        case change:
            header = struct.pack(">I4s", box.size, kind)
            content = _with_number(rng, content) if change == "number" and len(content) >= 4 else damaged(rng, content)
    return header + content
