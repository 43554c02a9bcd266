"""The part of CBOR that CloudWatch's wire protocol uses, under the names of the package cbor2.

The emulator imports cbor2 when a CloudWatch request arrives, but does not require it. Source: RFC 8949.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from botocore.parsers import create_parser

_FALSE, _TRUE, _NULL, _DOUBLE = b"\xf4", b"\xf5", b"\xf6", b"\xfb"


@dataclass(frozen=True)
class CBORTag:
    """A tagged value; tag 1 is a timestamp in epoch seconds."""

    tag: int
    value: Any


def loads(data: bytes) -> Any:
    """Decode one CBOR item; timestamps become aware datetimes."""
    parser: Any = create_parser("smithy-rpc-v2-cbor")
    return parser.parse_data_item(parser.get_peekable_stream_from_bytes(data))


def dumps(value: Any) -> bytes:
    """Encode a JSON-like value, or a `CBORTag`.

    Raises
    ------
    TypeError
        The value is of a type that CloudWatch's protocol does not have.
    """
    match value:
        case None:
            encoded = _NULL
        case bool():
            encoded = _TRUE if value else _FALSE
        case int():
            encoded = _head(0, value) if value >= 0 else _head(1, -1 - value)
        case float():
            encoded = _DOUBLE + struct.pack(">d", value)
        case bytes():
            encoded = _head(2, len(value)) + value
        case str():
            encoded = _head(3, len(value.encode())) + value.encode()
        case list() | tuple():
            encoded = _head(4, len(value)) + b"".join(map(dumps, value))
        case dict():
            encoded = _head(5, len(value)) + b"".join(dumps(key) + dumps(item) for key, item in value.items())
        case CBORTag():
            encoded = _head(6, value.tag) + dumps(value.value)
        case _:
            raise TypeError(f"cannot encode {type(value).__name__} as CBOR")
    return encoded


def _head(major_type: int, number: int) -> bytes:
    """Encode the first byte of an item, and its number when that does not fit into the byte."""
    if number < 24:
        return bytes([major_type << 5 | number])
    size, additional = next((2**power, 24 + power) for power in range(4) if number < 256 ** (2**power))
    return bytes([major_type << 5 | additional]) + number.to_bytes(size, "big")
