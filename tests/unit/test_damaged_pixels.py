"""Files with damaged pixel data are rejected."""

from __future__ import annotations

import io
import random
import re
import struct
import zlib

import pytest
from PIL import Image

from functions.metadata.exif import read_exif
from functions.shared.errors import TransientError
from functions.shared.formats import FORMATS, JPEG, PNG, TIFF, Format
from functions.shared.images import open_image
from functions.shared.jpeg import START_OF_SCAN, segments
from functions.shared.reasons import ReasonCode, Rejection
from functions.validate.decoding import ImageLimits, measure
from tests.unit.conftest import Cloud, file_payload
from tests.unit.fake_aws import client_error
from tests.unit.pictures import animation, exif_with_gps, file_of, gradient, patches, png_chunk

LIMITS = ImageLimits(max_pixels=1 << 20, max_frames=30)
PICTURES = {
    "rgb": file_of(patches((64, 48), seed=1), PNG),
    "with EXIF": file_of(patches((64, 48), seed=1), PNG, exif=exif_with_gps().tobytes()),
    "palette": file_of(gradient((64, 48)).quantize(16), PNG),
    "animation": animation(3, format=PNG),
}


def code_of(body: bytes, format: Format = PNG) -> ReasonCode | None:
    """The reason code; None if the file is accepted."""
    found = measure(io.BytesIO(body), format, LIMITS)
    return found.code if isinstance(found, Rejection) else None


def data_and_checksums(body: bytes) -> list[int]:
    """The positions of all bytes of image data and its checksums."""
    places, at = [], 8
    while at < len(body):
        length, name = struct.unpack_from(">I4s", body, at)
        if name in {b"IDAT", b"fdAT"}:
            places += range(at + 8, at + 12 + length)
        at += 12 + length
    return places


def with_damaged_data(body: bytes, change: int) -> bytes:
    """The PNG with one byte of its last image data changed, and a valid checksum."""
    name = b"fdAT" if b"fdAT" in body else b"IDAT"
    at = body.rindex(name)
    (length,) = struct.unpack_from(">I", body, at - 4)
    data = bytearray(body[at + 4 : at + 4 + length])
    data[change % length] ^= 0x55
    return body[: at - 4] + png_chunk(name, bytes(data)) + body[at + 8 + length :]


@pytest.mark.parametrize("name", PICTURES)
def test_every_damaged_byte_of_a_pngs_data_is_detected(name: str) -> None:
    body = PICTURES[name]
    assert code_of(body) is None
    places = data_and_checksums(body)
    for at in random.Random(1).sample(places, min(300, len(places))):  # noqa: S311 - test data
        damaged = bytearray(body)
        damaged[at] ^= 0x55
        assert code_of(bytes(damaged)) is ReasonCode.CORRUPT, at


@pytest.mark.parametrize("name", PICTURES)
def test_a_png_with_valid_checksums_and_invalid_data_is_corrupt(name: str) -> None:
    damaged = with_damaged_data(PICTURES[name], change=0)  # the first byte of the zlib stream
    assert code_of(damaged) is ReasonCode.CORRUPT


def test_a_png_with_fewer_rows_than_in_its_header_is_corrupt() -> None:
    rows = zlib.compress(bytes(20 * (1 + 3 * 64)))
    header = struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    body = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)
    assert code_of(body) is ReasonCode.CORRUPT


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda format: format.pillow)
def test_a_failure_to_read_is_never_treated_as_invalid_metadata(cloud: Cloud, format: Format) -> None:
    """S3 fails at each of the requests in turn: metadata must never be returned with parts missing."""
    picture = gradient((900, 600))
    options = {"compression": "raw"} if format is TIFF else {}
    body = file_of(picture, format, exif=exif_with_gps(6).tobytes(), **options)
    verdict = cloud.validate("uploads/a", body)
    event = {"file": file_payload("uploads/a", len(body)), "media": verdict}
    cloud.s3.ranges.clear()
    assert cloud.invoke("metadata", event)
    for answered in range(len(cloud.s3.ranges)):
        cloud.s3.failures[:] = [*[None] * answered, client_error("SlowDown", 503)]
        with pytest.raises(TransientError):
            cloud.invoke("metadata", event)


class FailingBody(io.BytesIO):
    """A file in S3 whose reads can be made to fail."""

    is_failing = False

    def read(self, size: int | None = -1, /) -> bytes:
        if self.is_failing:
            raise TransientError("S3 is throttling")
        return super().read(size)


def test_a_failure_to_read_a_tiffs_exif_is_retried() -> None:
    """TIFF is the only format whose EXIF is read after the header."""
    body = FailingBody(file_of(gradient(), TIFF, exif=exif_with_gps()))
    image = open_image(body, TIFF, max_pixels=1 << 20)
    body.is_failing = True
    with pytest.raises(TransientError):
        read_exif(image)


JPEGS = {
    "baseline": file_of(gradient((160, 100)), JPEG),
    "progressive": file_of(gradient((160, 100)), JPEG, progressive=True),
    "restarts": file_of(patches((100, 75), seed=1), JPEG, restart_marker_blocks=3),
    "grey": file_of(gradient((50, 40)).convert("L"), JPEG),
}


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_without_its_end_marker_has_the_same_results_as_with_it(cloud: Cloud, name: str, missing: int) -> None:
    whole = JPEGS[name]
    for transform in ("thumbnail", "watermark", "metadata"):
        answers = []
        for body in (whole, whole[:-missing]):
            answers.append(cloud.transform(transform, "uploads/a.jpg", body) | {"durationMs": 0})
            answers[-1]["outputs"] = cloud.outputs()
        assert answers[0] == answers[1]


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_without_a_part_of_its_picture_is_corrupt(name: str) -> None:
    """A file without its last bytes is accepted only if they do not change a pixel."""
    body = JPEGS[name]
    pixels = Image.open(io.BytesIO(body)).tobytes()
    rejected = 0
    headers = body.index(b"\xff\xda")
    nearly_whole, cut_anywhere = range(3, 60), range(60, len(body) - headers, 61)
    for missing in (*nearly_whole, *cut_anywhere):
        if code_of(body[:-missing], JPEG) is ReasonCode.CORRUPT:
            rejected += 1
        else:
            assert Image.open(io.BytesIO(body[:-missing] + b"\xff\xd9")).tobytes() == pixels, missing
    assert rejected > 0.9 * (len(nearly_whole) + len(cut_anywhere))


def test_a_progressive_jpeg_that_is_cut_off_between_two_scans_is_corrupt() -> None:
    body = JPEGS["progressive"]
    scans = [start for marker, start in segments(io.BytesIO(body)) if marker == START_OF_SCAN]
    assert len(scans) > 5
    for start in scans:
        assert code_of(body[:start], JPEG) is ReasonCode.CORRUPT


def test_a_jpeg_cut_off_at_a_restart_marker_is_corrupt() -> None:
    """Every coded interval before it is complete, and the decoder skips coded data until the next marker."""
    body = JPEGS["restarts"]
    start_of_scan = body.index(b"\xff\xda")
    restart_markers = [found.start() for found in re.compile(rb"\xff[\xd0-\xd7]").finditer(body, start_of_scan)]
    assert len(restart_markers) > 8  # each of the eight markers, and the first again
    for start in restart_markers:
        for kept_marker_bytes in range(3):
            assert code_of(body[: start + kept_marker_bytes], JPEG) is ReasonCode.CORRUPT
