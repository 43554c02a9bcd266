"""A large image is worked on in bounded memory, and what validate accepts fits the memory that the settings demand."""

from __future__ import annotations

import bisect
import io
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image

from components.settings.declared import transform_settings
from contract.memory import FUNCTION_MB, needed_mb
from contract.renditions import ANIMATED_FORMATS, MAX_ANIMATED_PIXELS
from functions.shared.formats import AVIF, FORMATS, GIF, JPEG, PNG, TIFF, WEBP, Format
from functions.shared.images import open_image
from functions.shared.reasons import ReasonCode, Rejection
from functions.validate.decoding import ImageLimits, measure
from functions.validate.memory import DECODED_BYTES_PER_PIXEL, WATERMARKED_BYTES_PER_PIXEL, most_pixels
from tests.unit.pictures import exif_with_gps, file_of, patches, swapped_profile

FILES = Path(__file__).with_name("files")
MEDIA = {extension: format for format in FORMATS.values() for extension in format.extensions}


@pytest.fixture(scope="module")
def large_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG of 100 megapixels."""
    path = tmp_path_factory.mktemp("large") / "photo.jpg"
    Image.new("YCbCr", (12_500, 8_000), (90, 100, 110)).save(path, "JPEG")
    return path


@pytest.mark.parametrize(
    ("step", "limit_mb"),
    [
        ("validate", 100),
        ("thumbnail", 100),
        ("metadata", 100),
        ("watermark", 550),  # the whole picture at full size, once
    ],
)
def test_a_hundred_megapixels_are_processed_in_bounded_memory(large_photo: Path, step: str, limit_mb: int) -> None:
    command = [sys.executable, "-m", "bench.measure", step, str(large_photo)]
    cost = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603
    assert cost["peakMb"] < limit_mb


# What a tiny image needs within `limited`, with room for threads' stacks, and in thumbnail for encoding a rendition of
# noise; the rest of a function's own memory is spare, and would hide at this size what an image takes too much.
OWN_MB = {"validate": 48, "thumbnail": 104, "metadata": 48, "watermark": 48}
SIZE = (2000, 1600)


def deep_heic() -> bytes:
    """10 bits a sample, with transparency and full colour resolution."""
    plane = patches(SIZE, seed=2).tobytes()
    alpha = memoryview(plane)[: SIZE[0] * SIZE[1]]
    samples = bytearray(8 * SIZE[0] * SIZE[1])
    for channel, values in enumerate((plane[0::3], plane[1::3], plane[2::3], alpha)):
        samples[2 * channel + 1 :: 8] = values
    body = io.BytesIO()
    pillow_heif.from_bytes(mode="RGBA;16", size=SIZE, data=bytes(samples)).save(body, quality=60, chroma=444)
    return body.getvalue()


def noise() -> Image.Image:
    """Noise in every channel, transparency included: what encoders take most memory for."""
    return Image.merge("RGBA", [Image.effect_noise(SIZE, 100) for _ in range(4)])


def palette() -> Image.Image:
    """256 colours."""
    return patches(SIZE, seed=1).quantize(256, Image.Quantize.FASTOCTREE)


TURNED = exif_with_gps(orientation=6).tobytes()
LARGE_FILES = {
    "progressive.jpg": lambda: file_of(patches(SIZE, 1), JPEG, progressive=True, subsampling=0, exif=TURNED),
    "cmyk.jpg": lambda: file_of(patches(SIZE, 1).convert("CMYK"), JPEG, exif=TURNED),
    "alpha.png": lambda: file_of(noise(), PNG, compress_level=1, exif=TURNED, icc_profile=swapped_profile()),
    "grey-alpha.png": lambda: file_of(noise().convert("LA"), PNG, compress_level=1, exif=TURNED),
    "palette.png": lambda: file_of(palette(), PNG, compress_level=1, transparency=bytes(256), exif=TURNED),
    "opaque.webp": lambda: file_of(patches(SIZE, 1), WEBP, method=0, exif=TURNED, icc_profile=swapped_profile()),
    "alpha.webp": lambda: file_of(noise(), WEBP, method=0, exif=TURNED, icc_profile=swapped_profile()),
    "transparent.gif": lambda: file_of(palette(), GIF, transparency=3),
    "grey-alpha.tif": lambda: file_of(noise().convert("LA"), TIFF, compression="tiff_lzw"),
    "alpha.avif": lambda: file_of(patches(SIZE, 1, "RGBA"), AVIF, quality=60, speed=10, subsampling="4:4:4"),
    "deep-alpha.avif": (FILES / "flat-ten-bit-alpha.avif").read_bytes,
    "deep-alpha.heic": deep_heic,
}
"""Each format at its costliest."""


def run(step: str, path: Path, megabytes: int, max_pixels: int) -> str:
    """What came out of a step within so much memory."""
    command = [sys.executable, "-m", "tests.unit.limited", step, str(path), str(megabytes), str(max_pixels)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or (done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1]


def finding(path: Path, max_pixels: int) -> Rejection:
    """What validate finds where it accepts so many pixels, which is a rejection."""
    limits = ImageLimits(max_pixels=max_pixels, max_frames=1)
    with path.open("rb") as body:
        found = measure(body, MEDIA[path.suffix], limits)
    assert isinstance(found, Rejection)
    return found


def least_setting(path: Path) -> int:
    """The least `maxPixels` with which an image is accepted."""
    format = MEDIA[path.suffix]
    with path.open("rb") as body:
        image = open_image(body, format, max_pixels=1 << 30)
        is_deep, pixels = path.name.startswith("deep"), image.width * image.height
        kind = {"is_deep": is_deep, "has_alpha": "A" in image.mode}
    return bisect.bisect_left(
        range(2 * pixels), pixels, key=lambda limit: most_pixels(format, **kind, max_pixels=limit)
    )


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory that counts what is mapped")
@pytest.mark.parametrize("name", LARGE_FILES)
def test_an_image_at_its_formats_limit_fits_the_required_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(LARGE_FILES[name]())
    max_pixels = least_setting(path)
    assert finding(path, max_pixels - 1).code is ReasonCode.TOO_MANY_PIXELS
    for step, bytes_per_pixel in (
        ("validate", DECODED_BYTES_PER_PIXEL),
        ("thumbnail", DECODED_BYTES_PER_PIXEL),
        ("metadata", DECODED_BYTES_PER_PIXEL),
        ("watermark", WATERMARKED_BYTES_PER_PIXEL),
    ):
        size = path.stat().st_size
        demanded = needed_mb(max_bytes=size, limits={"maxPixels": max_pixels}, bytes_per={"maxPixels": bytes_per_pixel})
        assert run(step, path, demanded - FUNCTION_MB + OWN_MB[step], max_pixels) == "COMPLETED", step


def megabytes_for(preset: Mapping[str, Any], path: Path, limits: Mapping[str, int]) -> int:
    """What the settings require for a preset, without what a function's own memory has to spare."""
    demanded = needed_mb(
        max_bytes=path.stat().st_size,
        limits=limits,
        bytes_per={"maxPixels": DECODED_BYTES_PER_PIXEL},
        largest_output_bytes=transform_settings("thumbnail").largest_output_bytes({"presets": {"it": preset}}, limits),
    )
    return demanded - FUNCTION_MB + OWN_MB["validate"]


# Nearly the whole image is kept, so that it is in memory twice.
CROPPED = {"width": SIZE[0], "height": SIZE[1] - 1, "fit": "cover"}


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory that counts what is mapped")
@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("progressive.jpg", {"format": "jpeg", "width": 8192}),
        *((name, {"format": "webp", "width": 8192}) for name in ("alpha.png", "opaque.webp", "deep-alpha.avif")),
        ("opaque.webp", {"format": "avif", "width": 8192}),
        ("alpha.png", {"format": "avif", "width": 8192}),
        ("alpha.webp", {"format": "png", "width": 8192}),
        ("alpha.png", {"format": "gif", "width": 8192}),
        *(("alpha.png", {"format": format, **CROPPED}) for format in ("webp", "avif")),
    ],
)
def test_a_rendition_as_large_as_the_image_fits_the_required_memory(
    tmp_path: Path, name: str, spec: dict[str, Any]
) -> None:
    path = tmp_path / name
    path.write_bytes(LARGE_FILES[name]())
    limits = {"maxPixels": least_setting(path)}
    assert run(json.dumps(spec), path, megabytes_for(spec, path, limits), limits["maxPixels"]) == "COMPLETED"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory that counts what is mapped")
@pytest.mark.parametrize(("frames", "size"), [(2, (100, 16_000)), (8, (632, 632))])
@pytest.mark.parametrize("format", ANIMATED_FORMATS)
def test_an_animation_as_large_as_its_source_fits_the_required_memory(
    tmp_path: Path, frames: int, size: tuple[int, int], format: str
) -> None:
    path = tmp_path / "animation.webp"
    pictures = [Image.merge("RGBA", [Image.effect_noise(size, 100) for _ in range(4)]) for _ in range(frames)]
    path.write_bytes(file_of(pictures[0], WEBP, save_all=True, append_images=pictures[1:], duration=100, method=0))
    spec = {"format": format, "width": size[0], "animated": True}
    limits = {"maxPixels": frames * size[0] * size[1]}
    assert run(json.dumps(spec), path, megabytes_for(spec, path, limits), size[0] * size[1]) == "COMPLETED"


def test_the_memory_of_animations_is_declared_for_the_most_pixels_that_they_may_have() -> None:
    limits = {"maxPixels": 1 << 40}
    thumbnail = transform_settings("thumbnail")
    preset = thumbnail.properties["presets"]["additionalProperties"]["properties"]["animated"]
    assert preset["x-outputMemory"]["otherSide"] == MAX_ANIMATED_PIXELS
    assert thumbnail.largest_output_bytes({"presets": {"it": {"animated": False}}}, limits) == 0
    assert thumbnail.largest_output_bytes({"presets": {"it": {"animated": True}}}, limits) == 32 * MAX_ANIMATED_PIXELS


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory that counts what is mapped")
@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda format: format.pillow)
def test_running_out_of_memory_is_a_failure_never_a_rejection(tmp_path: Path, format: Format) -> None:
    """Some decoders that run out of memory say that the data is damaged."""
    path = tmp_path / f"photo{format.extension}"
    path.write_bytes(file_of(patches((2400, 1600), 1), format, **({"speed": 10} if format is AVIF else {})))
    outcomes = {run("validate", path, megabytes, 1 << 30) for megabytes in (36, 48, 72)}
    needs_little = format in (JPEG, GIF)
    assert needs_little or any(outcome.startswith("MemoryError") for outcome in outcomes)
    assert "CORRUPT" not in outcomes


def flat_webp() -> bytes:
    """A WebP of 100 megapixels in 36 bytes: a picture of one colour is the same at any size but for its header."""
    body = bytearray(file_of(Image.new("RGB", (16, 16), "red"), WEBP, lossless=True))
    sides = (12_500 - 1) | (8_000 - 1) << 14
    header = int.from_bytes(body[21:25], "little")
    body[21:25] = ((header & ~0x0FFF_FFFF) | sides).to_bytes(4, "little")
    return bytes(body)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory that counts what is mapped")
@pytest.mark.parametrize(
    ("name", "step", "memory_mb"),
    [
        ("flat.webp", "validate", 1769),
        ("flat.webp", "watermark", 3300),
        ("flat-ten-bit-alpha-88-megapixels.avif", "thumbnail", 1769),
    ],
)
def test_the_largest_images_fit_the_default_settings(tmp_path: Path, name: str, step: str, memory_mb: int) -> None:
    path = tmp_path / name
    path.write_bytes(flat_webp() if name == "flat.webp" else (FILES / name).read_bytes())
    assert run(step, path, memory_mb, 100_000_000) == "COMPLETED"
