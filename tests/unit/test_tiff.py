"""Every TIFF is decoded as its fields declare or rejected as unsupported, never shown black, inverted or as noise."""

from __future__ import annotations

import io
import itertools
import json
import os
import struct
from dataclasses import replace

import pytest
from PIL import Image, TiffImagePlugin

from functions.metadata.describing import describe
from functions.shared import sample
from functions.shared.formats import TIFF
from functions.shared.images import open_image, plain, to_srgb
from functions.shared.reasons import ReasonCode, Rejection
from functions.shared.watermark.mark import TextMark
from functions.shared.watermark.settings import Position
from functions.thumbnail.presets import presets_from_environment
from functions.thumbnail.renditions import make_renditions
from functions.validate.accepted import Accepted
from functions.validate.decoding import ImageLimits, Measures, measure
from functions.watermark.stamping import watermark
from tests.unit.conftest import Cloud
from tests.unit.tiff_files import (
    ASSOCIATED,
    BLACK_IS_ZERO,
    CIELAB,
    COREL_ALPHA,
    DEFLATE,
    FLOAT,
    PALETTE,
    RGB,
    SIDE,
    SIGNED,
    UNASSOCIATED,
    UNCOMPRESSED,
    WHITE_IS_ZERO,
    YCBCR,
    TiffLayout,
)

# Pillow warns about damaged files.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

LIMITS = ImageLimits(max_pixels=1 << 20, max_frames=30)
PRESETS = presets_from_environment(
    {"SETTINGS": json.dumps({"presets": {"w16": {"width": 16, "formats": ["webp"], "quality": 50}}})}
)
MARK = TextMark("©")


def finding(body: bytes) -> Measures | Rejection:
    """The result of `measure`, without the sample."""
    found = measure(io.BytesIO(body), TIFF, LIMITS)
    return found.measures if isinstance(found, Accepted) else found


def assert_shown(layout: TiffLayout) -> None:
    """The file is accepted and decoded to the colours of its samples."""
    body, pixels = layout.body(), SIDE * SIDE
    assert finding(body) == Measures(width=SIDE, height=SIDE, frames=1), layout
    picture = to_srgb(plain(open_image(io.BytesIO(body), TIFF, max_pixels=pixels))).convert("RGBA")
    for quadrant, expected in enumerate(layout.picture()):
        shown = picture.getpixel((4 + 9 * (quadrant % 2), 4 + 9 * (quadrant // 2)))
        assert shown == pytest.approx(expected, abs=4), (layout, quadrant)


def assert_transformed(body: bytes) -> None:
    """Every transform can process it."""
    pixels = SIDE * SIDE
    assert list(make_renditions(io.BytesIO(body), TIFF, PRESETS, max_pixels=pixels))
    assert watermark(io.BytesIO(body), TIFF, MARK, opacity=0.5, position=Position.BOTTOM_RIGHT, max_pixels=pixels).body
    assert describe(io.BytesIO(body), TIFF, Image.new("L", (1, 1)), max_pixels=pixels)["mode"]


def assert_unsupported(body: bytes, detail: str) -> None:
    """It is rejected as an unsupported variant, not as a damaged file."""
    found = finding(body)
    assert isinstance(found, Rejection)
    assert found.code is ReasonCode.UNSUPPORTED_VARIANT
    assert detail in found.reason


def is_unsupported(layout: TiffLayout) -> bool:
    """Whether a layout that Pillow lists must be rejected."""
    if layout.bits == (32,) and layout.sample_format not in {FLOAT, SIGNED}:
        return True  # Pillow reads the numbers as signed
    if layout.bits == (8,) and (layout.sample_format == SIGNED or layout.photometric == YCBCR):
        return True
    if not layout.is_planar or len(layout.bits) == 1:
        return False
    alpha = layout.photometric == RGB and len(layout.bits) > 3 and layout.extra != (UNASSOCIATED,)
    return layout.photometric in {BLACK_IS_ZERO, PALETTE, CIELAB} or (alpha and set(layout.extra) != {0})


@pytest.mark.parametrize("key", TiffImagePlugin.OPEN_INFO, ids=str)
def test_every_layout_that_pillow_lists_is_decoded_correctly_or_rejected(key: tuple) -> None:
    end, photometric, [sample_format], fill_order, bits, extra = key
    listed = TiffLayout(
        mark={b"II": "<", b"MM": ">"}[end],
        photometric=photometric,
        sample_format=sample_format,
        fill_order=fill_order,
        bits=bits,
        extra=extra,
    )
    for compression, is_planar, is_tiled in itertools.product((UNCOMPRESSED, DEFLATE), (False, True), (False, True)):
        layout = replace(listed, compression=compression, is_planar=is_planar, is_tiled=is_tiled)
        if is_unsupported(layout):
            assert_unsupported(layout.body(), "a TIFF")
        else:
            assert_shown(layout)
            if not (is_planar or is_tiled):
                assert_transformed(layout.body())


@pytest.mark.parametrize("mode", Image.MODES)
def test_every_mode_of_pillow_is_converted_to_one_that_can_be_encoded(mode: str) -> None:
    assert to_srgb(plain(Image.new(mode, (3, 2)))).mode in {"L", "RGB", "RGBA"}


def test_a_file_that_no_transform_can_read_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    body = TiffLayout(photometric=BLACK_IS_ZERO, bits=(8, 8), extra=(ASSOCIATED,)).body()
    assert isinstance(finding(body), Measures)
    monkeypatch.setattr(sample, "plain", lambda image: image.convert("L"))  # which Pillow does not support for "La"
    assert isinstance(finding(body), Rejection)


@pytest.mark.parametrize("value", ["inf", "-inf"])
def test_floating_point_samples_that_are_not_finite_are_unsupported(value: str) -> None:
    """If it were scaled to its extremes, all other values would be black."""
    body = TiffLayout(photometric=BLACK_IS_ZERO, bits=(32,), sample_format=FLOAT).body()
    assert_unsupported(body[:-4] + struct.pack("<f", float(value)), "not finite")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("mark", ["<", ">"])
def test_a_colour_map_of_8_bits_is_detected(mark: str, bits: int) -> None:
    assert_shown(TiffLayout(photometric=PALETTE, bits=(bits,), mark=mark, colour_map_bits=8))


UNSUPPORTED = {
    "RGB with floating-point samples": TiffLayout(photometric=RGB, bits=(32,) * 3, sample_format=FLOAT),
    "floating-point samples of 16 bits": TiffLayout(photometric=BLACK_IS_ZERO, bits=(16,), sample_format=FLOAT),
    "floating-point samples of 64 bits": TiffLayout(photometric=BLACK_IS_ZERO, bits=(64,), sample_format=FLOAT),
    "CIELAB with unsigned samples of 8 bits": TiffLayout(photometric=CIELAB, bits=(8,) * 4, extra=(UNASSOCIATED,)),
    "grey with unsigned samples of 16 bits": TiffLayout(photometric=WHITE_IS_ZERO, bits=(16,), mark=">"),
    "7 to a pixel": TiffLayout(photometric=RGB, bits=(8,) * 7, extra=(0,) * 4),
    "4 to a pixel, in separate": TiffLayout(photometric=RGB, bits=(8,) * 4, extra=(ASSOCIATED,), is_planar=True),
    "in separate planes": TiffLayout(photometric=RGB, bits=(8,) * 4, extra=(COREL_ALPHA,), is_planar=True),
    "compression 34892": TiffLayout(photometric=RGB, bits=(8,) * 3, compression=34892),
    "compression 50001": TiffLayout(photometric=RGB, bits=(8,) * 3, compression=50001),
}


@pytest.mark.parametrize("detail", UNSUPPORTED)
def test_a_layout_that_cannot_be_decoded_is_rejected_as_unsupported_not_damaged(detail: str) -> None:
    assert_unsupported(UNSUPPORTED[detail].body(), detail)


def test_a_big_endian_bigtiff_is_rejected_as_unsupported_not_damaged() -> None:
    assert_unsupported(b"MM\0+" + struct.pack(">HHQQ", 8, 0, 16, 0) + bytes(64), "a big-endian BigTIFF")


@pytest.mark.parametrize(
    ("header", "count"),
    [
        (b"II+\0" + struct.pack("<HHQ", 8, 0, 16), struct.pack("<Q", 2**64 - 1)),
        (b"II+\0" + struct.pack("<HHQ", 8, 0, 16), struct.pack("<Q", 2**40)),
        (b"II*\0" + struct.pack("<I", 8), struct.pack("<H", 2**16 - 1)),
        (b"MM\0*" + struct.pack(">I", 8), struct.pack(">H", 2**16 - 1)),
    ],
)
def test_a_directory_with_more_fields_than_fit_into_the_file_is_corrupt(header: bytes, count: bytes) -> None:
    found = finding((header + count).ljust(116, b"\0"))
    assert isinstance(found, Rejection)
    assert found.code is ReasonCode.CORRUPT
    assert "does not fit into the file" in found.reason


@pytest.mark.parametrize("compression", [UNCOMPRESSED, DEFLATE])
@pytest.mark.parametrize("count", [0, 2**28, 2**32 - 1])
def test_a_field_with_an_invalid_number_of_values_does_not_fail(compression: int, count: int) -> None:
    body = TiffLayout(photometric=PALETTE, bits=(8,), compression=compression).body()
    for field in range(struct.unpack_from("<H", body, 8)[0]):
        changed = bytearray(body)
        struct.pack_into("<I", changed, 10 + 12 * field + 4, count)
        assert finding(bytes(changed))


def test_libtiffs_warnings_are_not_logged_and_the_functions_line_is(
    cloud: Cloud, capfd: pytest.CaptureFixture[str]
) -> None:
    body = bytearray(TiffLayout(photometric=RGB, bits=(8, 8, 8), compression=DEFLATE).body())
    body[-20:] = b"\xff" * 20  # of the last strip
    assert cloud.validate("uploads/a.tif", bytes(body))["reasonCode"] == "CORRUPT"
    written = capfd.readouterr()
    assert written.err == ""
    assert '"outcome":"CORRUPT"' in written.out
    os.write(2, b"back\n")
    assert capfd.readouterr().err == "back\n"
