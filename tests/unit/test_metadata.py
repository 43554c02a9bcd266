"""An image's metadata: properties, camera settings, appearance, and of its position only whether the file has one."""

from __future__ import annotations

import base64
import io
import itertools
from typing import Any

import pytest
from PIL import Image, ImageFilter
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from functions.metadata.appearance import dominant_colours, perceptual_hash
from functions.metadata.thumbhash import thumb_hash
from functions.shared.errors import MetadataError, TransientError
from functions.shared.formats import AVIF, FORMATS, GIF, HEIC, JPEG, PNG, TIFF, WEBP, Format
from functions.shared.png_chunks import chunks
from tests.unit.conftest import Cloud, image_limits
from tests.unit.fake_aws import client_error
from tests.unit.pictures import (
    animation,
    exif_with_gps,
    file_of,
    gradient,
    patches,
    png_chunk,
    quadrants,
    swapped_profile,
)


def described(cloud: Cloud, body: bytes, format: Format) -> dict[str, Any]:
    """The metadata of a file."""
    answer = cloud.transform("metadata", f"uploads/picture{format.extension}", body)
    assert (answer["transform"], answer["renditions"]) == ("metadata", [])
    assert cloud.outputs() == {}
    return answer["metadata"]


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda format: format.pillow)
def test_every_format_is_described(cloud: Cloud, format: Format) -> None:
    metadata = described(cloud, file_of(gradient((320, 200)), format), format)
    assert metadata["format"] == format.content_type.removeprefix("image/").upper()
    assert (metadata["width"], metadata["height"], metadata["frames"]) == (320, 200, 1)
    assert metadata["mode"] == ("P" if format is GIF else "RGB")
    assert (metadata["orientation"], metadata["hasAlpha"], metadata["gpsPresent"]) == (1, False, False)
    assert len(metadata["perceptualHash"]) == 16
    assert 1 <= len(metadata["dominantColours"]) <= 5
    assert len(base64.b64decode(metadata["thumbHash"])) in range(15, 26)


@pytest.mark.parametrize("format", [JPEG, PNG, WEBP, TIFF, AVIF, HEIC], ids=lambda format: format.pillow)
def test_camera_settings_are_recorded_and_of_the_position_only_its_presence(cloud: Cloud, format: Format) -> None:
    metadata = described(cloud, file_of(gradient(), format, exif=exif_with_gps().tobytes()), format)
    assert metadata["exif"] == {
        "cameraMake": "Pipeline Optics",
        "cameraModel": "PO-1",
        "lens": "PO 35mm F2.8",
        "exposureTime": "1/250",
        "fNumber": 2.8,
        "iso": 100,
        "focalLengthMm": 35,
        "takenAt": "2026-06-21T05:12:44",
    }
    assert metadata["gpsPresent"] is True


@pytest.mark.parametrize("format", [JPEG, PNG, WEBP, TIFF, AVIF, HEIC], ids=lambda format: format.pillow)
def test_a_position_in_xmp_is_detected(cloud: Cloud, format: Format) -> None:
    xmp = "<exif:GPSLatitude>52,31.2N</exif:GPSLatitude>"
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp)
    options = {PNG: {"pnginfo": text}, TIFF: {"tiffinfo": {700: xmp.encode()}}}.get(format, {"xmp": xmp.encode()})
    body = file_of(gradient(), format, **options)
    assert described(cloud, body, format)["gpsPresent"] is True


POSITIONS_IN_XMP = {
    '<x exif:GPSLatitude="52,31.2N" exif:GPSLongitude="13,24.3E"/>': True,
    "<x exif:GPSLatitude='52,31.2N' y=\"1\"/>": True,
    "<exif:GPSLatitude>52,31.2N</exif:GPSLatitude>": True,
    '<x exif:GPSVersionID="2.3.0.0" exif:GPSLatitude=""/>': False,
    "<exif:GPSLatitude></exif:GPSLatitude>": False,
}


@pytest.mark.parametrize("xmp", POSITIONS_IN_XMP)
@pytest.mark.parametrize("exif", [b"", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(40), b"Exif\0\0no TIFF"])
def test_a_position_in_xmp_is_detected_without_valid_exif(cloud: Cloud, exif: bytes, xmp: str) -> None:
    body = file_of(gradient(), JPEG, exif=exif, xmp=xmp.encode())
    assert described(cloud, body, JPEG)["gpsPresent"] is POSITIONS_IN_XMP[xmp]


def test_a_position_after_the_pixels_of_a_png_is_detected(cloud: Cloud) -> None:
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "<exif:GPSLatitude>52,31.2N</exif:GPSLatitude>")
    late = bytearray(file_of(gradient(), PNG, pnginfo=text))
    start = late.index(b"iTXt") - 4
    end = start + 12 + int.from_bytes(late[start : start + 4], "big")
    body = bytes(late[:start] + late[end:-12] + late[start:end] + late[-12:])
    assert described(cloud, body, PNG)["gpsPresent"] is True


@pytest.mark.parametrize(
    "gps",
    [
        {},
        {0: b"\2\3\0\0"},
        {0: b"\2\3\0\0", 1: "N", 3: "E", 29: "2026:06:21"},
        {1: "N", 2: (IFDRational(0, 0),) * 3, 3: "E", 4: (IFDRational(0, 0),) * 3},
        {1: "N", 2: (52.0, 31.0, 12.0)},
    ],
)
def test_gps_fields_without_a_position_are_not_reported_as_a_position(cloud: Cloud, gps: dict[int, Any]) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update(gps)
    assert described(cloud, file_of(gradient(), JPEG, exif=exif.tobytes()), JPEG)["gpsPresent"] is False


@pytest.mark.parametrize("format", [JPEG, PNG, WEBP, TIFF, AVIF, HEIC], ids=lambda format: format.pillow)
def test_an_orientation_in_xmp_alone_is_not_applied(cloud: Cloud, format: Format) -> None:
    """Browsers and viewers apply only EXIF's."""
    xmp, text = '<x:xmpmeta tiff:Orientation="6"/>', PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp)
    options = {PNG: {"pnginfo": text}, TIFF: {"tiffinfo": {700: xmp.encode()}}}.get(format, {"xmp": xmp.encode()})
    if format is HEIC:  # its encoder would apply it
        body = file_of(quadrants((96, 64)), format, xmp=xmp.replace("6", "1").encode())
        body = body.replace(xmp.replace("6", "1").encode(), xmp.encode())
    else:
        body = file_of(quadrants((96, 64)), format, **options)
    metadata = described(cloud, body, format)
    assert (metadata["width"], metadata["height"], metadata["orientation"]) == (96, 64, 1)
    for transform in ("thumbnail", "watermark"):
        answer = cloud.transform(transform, f"uploads/xmp{format.extension}", body)
        assert {(rendition["width"], rendition["height"]) for rendition in answer["renditions"]} == {(96, 64)}


@pytest.mark.parametrize("format", [JPEG, PNG, WEBP, TIFF, AVIF, HEIC], ids=lambda format: format.pillow)
def test_size_and_appearance_have_the_orientation_applied(cloud: Cloud, format: Format) -> None:
    upright = patches((192, 128), seed=3)
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    metadata = described(cloud, file_of(stored, format, exif=exif_with_gps(6).tobytes()), format)
    assert (metadata["width"], metadata["height"], metadata["orientation"]) == (192, 128, 6)
    assert differing_bits(metadata["perceptualHash"], perceptual_hash(upright)) <= 4
    assert differing_bits(perceptual_hash(stored), perceptual_hash(upright)) > 16


def test_frames_are_those_that_validate_counted(cloud: Cloud) -> None:
    assert described(cloud, animation(7), GIF)["frames"] == 7


def test_dominant_colours_are_converted_with_the_profile(cloud: Cloud) -> None:
    stored_red = file_of(Image.new("RGB", (200, 100), (255, 0, 0)), PNG, icc_profile=swapped_profile())
    [colour] = described(cloud, stored_red, PNG)["dominantColours"]
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    assert (red < 25, green < 25, blue > 230) == (True, True, True)


@pytest.mark.parametrize(
    "exif",
    [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(40), bytes(200)],
)
def test_invalid_exif_is_ignored(cloud: Cloud, exif: bytes) -> None:
    metadata = described(cloud, file_of(gradient(), JPEG, exif=exif), JPEG)
    assert (metadata["exif"], metadata["orientation"], metadata["gpsPresent"]) == ({}, 1, False)


def test_invalid_exif_fields_are_omitted(cloud: Cloud) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Pipeline\0hidden \x07Optics" + "!" * 500
    exif[0x0110] = " \0"
    exif[0x0112] = 77
    exif.get_ifd(0x8769).update(
        {
            0x829A: IFDRational(1, 0),
            0x829D: IFDRational(0, 5),
            0x8827: 0,
            0x9003: "0000:00:00 00:00:00",
            0x920A: IFDRational(105, 10),
            0xA434: "x" * 500,
        }
    )
    metadata = described(cloud, file_of(gradient(), JPEG, exif=exif.tobytes()), JPEG)
    assert metadata["orientation"] == 1
    assert metadata["exif"] == {"cameraMake": "Pipeline", "focalLengthMm": 10.5, "lens": "x" * 128}


@pytest.mark.parametrize(
    ("seconds", "written"), [((1, 8000), "1/8000"), ((10, 3000), "1/300"), ((1, 2), "0.5"), ((30, 1), "30")]
)
def test_exposure_is_formatted_as_on_cameras(cloud: Cloud, seconds: tuple[int, int], written: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x829A] = IFDRational(*seconds)
    metadata = described(cloud, file_of(gradient(), JPEG, exif=exif.tobytes()), JPEG)
    assert metadata["exif"] == {"exposureTime": written}


def test_dominant_colours_are_ranked_by_share_and_transparent_pixels_do_not_count() -> None:
    picture = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 100, 20))
    picture.paste((0, 0, 255, 255), (0, 20, 100, 30))
    assert dominant_colours(picture) == ["#ff0000", "#0000ff"]
    assert dominant_colours(Image.new("RGBA", (10, 10), (9, 9, 9, 0))) == []


def differing_bits(one: str, other: str) -> int:
    """Hamming distance of two hashes."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_copies_have_similar_perceptual_hashes_and_other_pictures_do_not(cloud: Cloud) -> None:
    picture = quadrants((600, 400)).filter(ImageFilter.GaussianBlur(30))
    small = picture.resize((90, 60))
    original = described(cloud, file_of(picture, PNG), PNG)["perceptualHash"]
    for body, format in (
        (file_of(picture, JPEG, quality=20), JPEG),
        (file_of(small, WEBP, quality=30), WEBP),
        (file_of(picture.convert("L"), PNG), PNG),
    ):
        assert differing_bits(described(cloud, body, format)["perceptualHash"], original) <= 8
    mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert differing_bits(perceptual_hash(mirrored), original) > 16


# Computed by the reference implementation from the same pixels.
@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (patches((48, 32), seed=1), "YKcJJYzIw3NsyY+IRKlnd/mZyvxn"),
        (patches((20, 40), seed=2), "oecFNAym4jj4fVx0Z3iSXF/3fA=="),
        (patches((48, 5), seed=4), "XgcKKY5LN4e2Svio850LVos="),
        (patches((32, 48), seed=5, mode="RGBA"), "H/iFEwYZMJ+Up3f8pPA8M1hoX5qBWoQ="),
    ],
)
def test_a_thumbhash_equals_the_reference_implementations(picture: Image.Image, expected: str) -> None:
    assert base64.b64encode(thumb_hash(picture)).decode() == expected


def test_a_thumbhash_does_not_depend_on_the_pictures_size() -> None:
    large, small = thumb_hash(gradient((900, 600))), thumb_hash(gradient((90, 60)))
    assert sum(abs(one - other) > 16 for one, other in zip(large, small, strict=True)) <= 2


def requested_bytes(cloud: Cloud) -> int:
    """The number of bytes requested by ranged GET."""
    spans = [[int(number) for number in header.removeprefix("bytes=").split("-")] for header in cloud.s3.ranges]
    return sum(last - first + 1 for first, last in spans)


def chunks_of(body: bytes) -> list[tuple[bytes, bytes]]:
    """A PNG's chunks: type and data."""
    file = io.BytesIO(body)
    return [(name, file.read(length)) for name, length in chunks(file)]


def noise(size: tuple[int, int]) -> Image.Image:
    """A picture that cannot be compressed."""
    return Image.effect_noise(size, 100).convert("RGB")


@pytest.mark.parametrize("format", [GIF, TIFF], ids=lambda format: format.pillow)
def test_only_the_first_frame_of_several_is_downloaded(cloud: Cloud, format: Format) -> None:
    frames = [noise((250, 250)) for _ in range(8)]
    body = file_of(frames[0], format, save_all=True, append_images=frames[1:])
    described(cloud, body, format)
    assert requested_bytes(cloud) < len(body) / 2


@pytest.mark.parametrize("progressive", [False, True])
def test_of_a_jpeg_of_ten_megabytes_at_most_three_percent_are_downloaded(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, progressive: bool
) -> None:
    monkeypatch.setenv("MAX_BYTES", "20000000")
    monkeypatch.setenv("MEDIA", image_limits(maxPixels=20_000_000))
    picture = Image.blend(patches((4800, 3200), seed=6), noise((4800, 3200)), 0.5)
    body = file_of(picture, JPEG, quality=93, progressive=progressive, exif=exif_with_gps().tobytes())
    assert len(body) > 10_000_000
    metadata = described(cloud, body, JPEG)
    assert requested_bytes(cloud) <= 0.03 * len(body)
    assert metadata["exif"]["cameraModel"] == "PO-1"
    assert differing_bits(metadata["perceptualHash"], perceptual_hash(picture.reduce(8))) <= 3


@pytest.mark.parametrize("format", [WEBP, AVIF, HEIC], ids=lambda format: format.pillow)
def test_a_file_that_is_opened_as_a_whole_is_downloaded_once_with_few_requests(cloud: Cloud, format: Format) -> None:
    body = file_of(noise((900, 700)), format)
    described(cloud, body, format)
    assert len(body) > 150_000
    assert requested_bytes(cloud) <= len(body)
    assert len(cloud.s3.ranges) <= 6


def test_a_pngs_pixels_are_not_downloaded(cloud: Cloud) -> None:
    """They are in one chunk here; of several, each one's header is read."""
    body = file_of(noise((600, 500)), PNG, exif=exif_with_gps(orientation=6).tobytes())
    data: dict[bytes, bytes] = {}
    for name, each in chunks_of(body):
        data[name] = data.get(name, b"") + each
    whole = body[:8] + b"".join(png_chunk(name, data[name]) for name in (b"IHDR", b"IDAT", b"eXIf", b"IEND"))
    metadata = described(cloud, whole, PNG)
    assert metadata["exif"]["cameraModel"] == "PO-1"
    assert (metadata["width"], metadata["height"]) == (600, 500)  # of an orientation after the pixels none is applied
    assert requested_bytes(cloud) < len(whole) / 2


@pytest.mark.parametrize("mode", ["L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_photographs_of_any_mode_are_described(cloud: Cloud, mode: str, progressive: bool) -> None:
    picture = patches((1600, 1000), seed=6)
    metadata = described(cloud, file_of(picture.convert(mode), JPEG, progressive=progressive), JPEG)
    assert metadata["mode"] == mode
    assert differing_bits(metadata["perceptualHash"], perceptual_hash(picture.reduce(4))) <= 3


@pytest.mark.parametrize("width", [20, 47, 60, 97, 200, 383, 385, 800])
def test_a_jpeg_of_any_size_looks_as_its_whole_picture_does(cloud: Cloud, width: int) -> None:
    picture = patches((width, width * 5 // 8), seed=6)
    metadata = described(cloud, file_of(picture, JPEG, quality=95, subsampling=0), JPEG)
    assert differing_bits(metadata["perceptualHash"], perceptual_hash(picture)) <= 3
    found, expected = (base64.b64decode(metadata["thumbHash"]), thumb_hash(picture))
    assert sum(abs(one - other) > 16 for one, other in zip(found, expected, strict=True)) <= 2


def test_without_a_sample_the_transform_fails_so_that_the_message_is_sent_again(cloud: Cloud) -> None:
    """An execution that began under a release without samples has none."""
    body = file_of(gradient(), JPEG)
    event = {"file": cloud.file("uploads/a.jpg", body), "media": cloud.validate("uploads/a.jpg", body)}
    del event["media"]["sample"]
    with pytest.raises(TransientError, match="no sample"):
        cloud.invoke("metadata", event)


def test_a_failure_to_read_is_retried(cloud: Cloud) -> None:
    body = file_of(gradient(), JPEG)
    event = {"file": cloud.file("uploads/a.jpg", body), "media": cloud.validate("uploads/a.jpg", body)}
    cloud.s3.failures.append(client_error("InternalError", 500))
    with pytest.raises(TransientError, match=r"uploads/a\.jpg"):
        cloud.invoke("metadata", event)
    cloud.s3.is_truncated = True
    with pytest.raises(TransientError):
        cloud.invoke("metadata", event)


def test_content_that_differs_from_the_validated_content_is_an_error(cloud: Cloud) -> None:
    image = cloud.validate("uploads/a.png", file_of(gradient(), PNG))
    with pytest.raises(MetadataError):
        cloud.invoke("metadata", {"file": cloud.file("uploads/a.png", b"something else"), "media": image})


def test_the_sample_is_a_small_copy_of_the_whole_picture(cloud: Cloud) -> None:
    picture = noise((500, 400))
    colours = described(cloud, file_of(picture, TIFF), TIFF)["dominantColours"]
    assert colours == dominant_colours(picture.resize((48, 38), Image.Resampling.BOX, reducing_gap=2.0))


def test_a_perceptual_hash_is_the_same_in_every_release() -> None:
    """Stored hashes stay comparable: each bit is 1 if a cell of 9 by 8 is darker than its right neighbour."""
    rows = ["121212121", "999999999", "123456789", "987654321", "111191111", "191111111", "111111119", "919191919"]
    picture = Image.frombytes("L", (9, 8), bytes(25 * int(cell) for row in rows for cell in row)).convert("RGB")
    bits = "".join("1" if left < right else "0" for row in rows for left, right in itertools.pairwise(row))
    assert perceptual_hash(picture) == f"{int(bits, 2):016x}" == "aa00ff0010800155"
