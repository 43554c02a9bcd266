"""Damage to any bytes, without regard to what they are."""

from __future__ import annotations

import random
from collections.abc import Callable

Damage = Callable[[random.Random, bytes], bytes]

EXTREMES = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
LONG_EXTREMES = (*EXTREMES, 1 << 32, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


def place(rng: random.Random, size: int) -> int:
    """A position, more often near the start, where headers are."""
    return rng.randrange(min(size, rng.choice((40, 200, 1000, size))) or 1) if size else 0


def truncated(rng: random.Random, body: bytes) -> bytes:
    return body[: place(rng, len(body))] if rng.random() < 0.3 else body[: rng.randrange(len(body) + 1)]


def flipped(rng: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[place(rng, len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwritten(rng: random.Random, body: bytes) -> bytes:
    at, length = place(rng, len(body)), rng.randint(1, 16)
    filler = rng.choice((rng.randbytes(length), b"\0" * length, b"\xff" * length, b"\x7f" * length, b"\x80" * length))
    return body[:at] + filler + body[at + length :]


def extreme_number(rng: random.Random, body: bytes) -> bytes:
    """A number of 2, 4 or 8 bytes replaced by a very small or very large one: a length, a size, a count, an offset."""
    length = rng.choice((2, 4, 4, 8))
    value = rng.choice(LONG_EXTREMES) % (1 << 8 * length)
    at = place(rng, len(body))
    return body[:at] + value.to_bytes(length, rng.choice(("big", "little"))) + body[at + length :]


def cut(rng: random.Random, body: bytes) -> bytes:
    at = place(rng, len(body))
    return body[:at] + body[at + rng.randint(1, 64) :]


def repeated(rng: random.Random, body: bytes) -> bytes:
    at = place(rng, len(body))
    part = body[at : at + rng.randint(1, 64)]
    return body[:at] + part * rng.choice((2, 3, 100)) + body[at + len(part) :]


def swapped(rng: random.Random, body: bytes) -> bytes:
    first, second = sorted((place(rng, len(body)), place(rng, len(body))))
    length = min(rng.randint(1, 32), second - first)
    middle = body[first + length : second]
    return (
        body[:first] + body[second : second + length] + middle + body[first : first + length] + body[second + length :]
    )


ANY: tuple[Damage, ...] = (truncated, flipped, overwritten, extreme_number, extreme_number, cut, repeated, swapped)
"""All of them; numbers are changed more often."""


def damaged(rng: random.Random, body: bytes) -> bytes:
    """The bytes with one to three damages."""
    for _ in range(rng.randint(1, 3)):
        body = rng.choice(ANY)(rng, body)
    return body
