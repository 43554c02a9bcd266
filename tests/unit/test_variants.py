"""Valid files that cannot be decoded are called unsupported, not damaged; what can be decoded is accepted."""

from __future__ import annotations

import pytest

from functions.shared.formats import JPEG
from functions.shared.reasons import ReasonCode
from tests.unit.conftest import Cloud
from tests.unit.pictures import file_of, gradient


def jpeg_with_frame(marker: int, bits: int = 8) -> bytes:
    """A JPEG whose frame header names another coding process or sample precision (ITU-T T.81, table B.1)."""
    body = bytearray(file_of(gradient((64, 48)), JPEG))
    header = body.index(b"\xff\xc0")
    body[header + 1], body[header + 4] = marker, bits
    return bytes(body)


@pytest.mark.parametrize(
    ("body", "variant"),
    [
        (jpeg_with_frame(0xC3), "a lossless JPEG"),
        (jpeg_with_frame(0xCB), "a lossless JPEG"),
        *((jpeg_with_frame(marker), "a hierarchical JPEG") for marker in (0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF)),
        (jpeg_with_frame(0xC1, bits=12), "a JPEG with 12 bits a sample"),
    ],
)
def test_a_jpeg_that_cannot_be_decoded_is_unsupported_not_damaged(cloud: Cloud, body: bytes, variant: str) -> None:
    verdict = cloud.validate("uploads/a.jpg", body)
    assert verdict["reasonCode"] == ReasonCode.UNSUPPORTED_VARIANT.value
    assert verdict["reason"] == f"The file is {variant}, a variant of image/jpeg that is not supported."
