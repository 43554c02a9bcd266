"""Any content with any key is validated without an error, and files that are accepted can be transformed."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from functions.metadata.describing import describe
from functions.shared.formats import AVIF, FORMATS, GIF, HEIC, JPEG, PNG, TIFF, WEBP, Format
from functions.shared.reasons import ReasonCode
from functions.shared.source import FileVersion
from functions.shared.watermark.mark import TextMark
from functions.shared.watermark.settings import Position
from functions.thumbnail.presets import presets_from_environment
from functions.thumbnail.renditions import make_renditions
from functions.validate.limits import Limits
from functions.validate.verdict import validate
from functions.watermark.stamping import watermark
from tests.unit.conftest import Cloud
from tests.unit.fake_aws import FakeS3
from tests.unit.pictures import animation, exif_with_gps, file_of, gradient, swapped_profile
from tests.unit.tiff_files import ASSOCIATED, BLACK_IS_ZERO, DEFLATE, PALETTE, RGB, WHITE_IS_ZERO, TiffLayout

# Pillow warns about damaged files.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

LIMITS = Limits(
    max_bytes=1 << 20,
    allowed_types=tuple(FORMATS),
    families={"image": {"maxPixels": 1 << 20, "maxFrames": 30}},
)
PRESETS = presets_from_environment(
    {"SETTINGS": json.dumps({"presets": {"w40": {"width": 40, "formats": ["jpeg", "webp"], "quality": 50}}})}
)
MARK = TextMark("©")

_SMALL = gradient((48, 32))
SEEDS: list[tuple[Format, bytes]] = [
    (JPEG, file_of(_SMALL, JPEG, exif=exif_with_gps(6).tobytes(), icc_profile=swapped_profile())),
    (JPEG, file_of(_SMALL, JPEG, progressive=True)),
    (JPEG, file_of(_SMALL.convert("CMYK"), JPEG)),
    (PNG, file_of(_SMALL.convert("RGBA"), PNG, exif=exif_with_gps(6).tobytes(), icc_profile=swapped_profile())),
    (PNG, file_of(_SMALL.quantize(8), PNG, transparency=3)),
    (PNG, animation(3, format=PNG)),
    (WEBP, file_of(_SMALL, WEBP, exif=exif_with_gps(6).tobytes(), icc_profile=swapped_profile())),
    (WEBP, animation(3, format=WEBP)),
    (GIF, animation(4)),
    (TIFF, file_of(_SMALL, TIFF, exif=exif_with_gps(6))),
    (TIFF, file_of(_SMALL, TIFF, compression="tiff_lzw")),
    (TIFF, file_of(_SMALL, TIFF, compression="jpeg")),
    (TIFF, file_of(_SMALL.convert("1"), TIFF, compression="group4")),
    (TIFF, animation(3, format=TIFF)),
    (TIFF, TiffLayout(photometric=BLACK_IS_ZERO, bits=(8, 8), extra=(ASSOCIATED,)).body()),
    (TIFF, TiffLayout(photometric=WHITE_IS_ZERO, bits=(16,)).body()),
    (TIFF, TiffLayout(photometric=RGB, bits=(16, 16, 16), is_planar=True).body()),
    (TIFF, TiffLayout(photometric=PALETTE, bits=(4,), is_tiled=True, compression=DEFLATE).body()),
    (AVIF, file_of(_SMALL, AVIF, exif=exif_with_gps(6).tobytes())),
    (AVIF, animation(3, (16, 16), AVIF)),
    (HEIC, file_of(_SMALL, HEIC, exif=exif_with_gps(6).tobytes())),
]


def verdict_on(key: str, body: bytes) -> dict[str, Any]:
    """The verdict, after checking that it is complete."""
    s3 = FakeS3()
    s3.add(key, body)
    version = FileVersion(bucket="ingest", file_key=key, version_id="v1", bytes=len(body))
    verdict = validate(s3, version, LIMITS, lambda _: None).payload()
    if verdict["accepted"]:
        assert all(measure > 0 for measure in verdict["measures"].values())
    else:
        assert ReasonCode(verdict["reasonCode"])
        assert verdict["reason"]
        assert verdict["hint"]
    return verdict


def transform(body: bytes, verdict: dict[str, Any]) -> None:
    """Run every transform, which must not fail for a file that validate accepted."""
    format, measures = FORMATS[verdict["mediaType"]], verdict["measures"]
    max_pixels = measures["width"] * measures["height"]
    for rendition in make_renditions(io.BytesIO(body), format, PRESETS, max_pixels=max_pixels):
        assert isinstance(rendition.body, bytes)
        with Image.open(io.BytesIO(rendition.body)) as image:
            assert image.size == (rendition.measures["width"], rendition.measures["height"])
    marked = watermark(
        io.BytesIO(body), format, MARK, opacity=0.5, position=Position.BOTTOM_RIGHT, max_pixels=max_pixels
    )
    assert (marked.measures["width"], marked.measures["height"]) == (measures["width"], measures["height"])
    metadata = describe(io.BytesIO(body), format, frames=measures["frames"], max_pixels=max_pixels)
    assert json.dumps(metadata, allow_nan=False)
    assert "null" not in json.dumps(metadata)


@st.composite
def damaged_files(draw: st.DrawFn) -> tuple[Format, bytes]:
    """A valid file with damage: truncated, or with bytes overwritten, repeated or deleted."""
    format, seed = draw(st.sampled_from(SEEDS))
    body = bytearray(seed)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        # Prefer headers, where damage has the most effects.
        at = min(at, draw(st.sampled_from([40, 200, len(body)])))
        length = draw(st.integers(1, 16))
        match draw(st.sampled_from(["overwrite", "extreme", "delete", "repeat", "truncate"])):
            case "overwrite":
                body[at : at + length] = draw(st.binary(min_size=length, max_size=length))
            case "extreme":
                body[at : at + length] = draw(st.sampled_from([b"\0", b"\xff", b"\x7f", b"\x80"])) * length
            case "delete":
                del body[at : at + length]
            case "repeat":
                body[at:at] = body[at : at + length]
            case _:
                del body[max(at, 12) :]
    return format, bytes(body)


@given(damaged_files())
@settings(max_examples=700)
def test_a_damaged_file_is_rejected_or_transformed_but_never_fails(damaged_file: tuple[Format, bytes]) -> None:
    format, body = damaged_file
    verdict = verdict_on(f"uploads/damaged{format.extension}", body)
    if verdict["accepted"]:
        transform(body, verdict)


@pytest.mark.parametrize(("format", "body"), SEEDS, ids=lambda value: getattr(value, "pillow", ""))
def test_every_undamaged_seed_is_accepted_and_transformed(format: Format, body: bytes) -> None:
    transform(body, verdict_on(f"uploads/whole{format.extension}", body))


@given(st.binary(max_size=2000), st.sampled_from(["", *(seed[:24] for _, seed in SEEDS)]))
@settings(max_examples=200)
def test_random_bytes_are_validated_even_after_a_valid_header(noise: bytes, header: bytes | str) -> None:
    verdict_on("uploads/noise", (header or b"") + noise)  # pyright: ignore[reportOperatorIssue]


@given(st.text(min_size=1, max_size=300).map(lambda name: f"uploads/{name}"))
@settings(max_examples=200)
def test_any_key_is_validated(key: str) -> None:
    verdict = verdict_on(key, SEEDS[0][1])
    too_long = len(key.encode("utf-8", "surrogatepass")) > 900
    assert (verdict.get("reasonCode") == "KEY_TOO_LONG") == too_long


@pytest.mark.parametrize(
    "name",
    [
        "with space.jpg",
        "a+b=c&d.jpg",
        "100%.jpg",
        "Ærøskøbing.jpg",
        "日本 写真.jpg",
        "📷.jpg",
        'quote"d.jpg',
        "new\nline.jpg",
        "../../up.jpg",
        "a//b.jpg",
        "." * 50 + ".jpg",
        "x" * 880 + ".jpg",
    ],
)
def test_renditions_keys_contain_the_uploads_key_unchanged(cloud: Cloud, name: str) -> None:
    answer = cloud.transform("thumbnail", f"uploads/{name}", file_of(gradient(), JPEG))
    for rendition in answer["renditions"]:
        assert rendition["key"].startswith(f"processed/uploads/{name}/v1/w")
        assert len(rendition["key"].encode()) <= 1024
    assert {rendition["key"] for rendition in answer["renditions"]} == set(cloud.outputs())
