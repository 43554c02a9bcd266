"""Every file is accepted with its measures, or rejected with one stable reason code and a hint."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from functions.shared.errors import AccessError, ConfigurationError, TransientError
from functions.shared.formats import AVIF, GIF, HEIC, JPEG, PNG, TIFF, WEBP, Format
from functions.shared.reasons import ReasonCode
from functions.shared.sample import from_text
from tests.unit.conftest import Cloud, file_payload, image_limits
from tests.unit.fake_aws import client_error
from tests.unit.pictures import animation, exif_with_gps, file_of, gradient, png_declaring, quadrants

ACCEPTED_FILES = {
    "photo.jpg": (JPEG, file_of(gradient(), JPEG)),
    "progressive.jpeg": (JPEG, file_of(gradient(), JPEG, progressive=True)),
    "print.jpg": (JPEG, file_of(gradient().convert("CMYK"), JPEG)),
    "grey.jpg": (JPEG, file_of(gradient().convert("L"), JPEG)),
    "alpha.png": (PNG, file_of(gradient().convert("RGBA"), PNG)),
    "palette.png": (PNG, file_of(gradient().quantize(16), PNG)),
    "sixteen-bit.png": (PNG, file_of(Image.new("I;16", (320, 200), 30000), PNG)),
    "interlaced.png": (PNG, file_of(gradient(), PNG, interlace=1)),
    "photo.webp": (WEBP, file_of(gradient(), WEBP)),
    "lossless.webp": (WEBP, file_of(gradient(), WEBP, lossless=True)),
    "still.gif": (GIF, file_of(gradient(), GIF)),
    "scan.tif": (TIFF, file_of(gradient(), TIFF)),
    "scan.tiff": (TIFF, file_of(gradient(), TIFF, compression="tiff_lzw")),
    "fax.tiff": (TIFF, file_of(gradient().convert("1"), TIFF, compression="group4")),
    "photo.avif": (AVIF, file_of(gradient(), AVIF)),
    "photo.heic": (HEIC, file_of(gradient(), HEIC)),
}


@pytest.mark.parametrize("name", ACCEPTED_FILES)
def test_every_supported_kind_of_image_is_accepted_with_its_measures(cloud: Cloud, name: str) -> None:
    format, body = ACCEPTED_FILES[name]
    verdict = cloud.validate(f"uploads/{name}", body, format.content_type)
    assert verdict.pop("durationMs") >= 0
    assert len(verdict.pop("sample")) < 12_500
    assert verdict == {
        "accepted": True,
        "mediaType": format.content_type,
        "measures": {"width": 320, "height": 200, "frames": 1},
        "sha256": hashlib.sha256(body).hexdigest(),
        "bytes": len(body),
        "traceId": "",
    }


@pytest.mark.parametrize("format", [GIF, PNG, WEBP, TIFF, AVIF])
def test_frames_and_pages_are_counted(cloud: Cloud, format: Format) -> None:
    verdict = cloud.validate(f"uploads/moving{format.extension}", animation(5, format=format))
    assert (verdict["accepted"], verdict["measures"]["frames"]) == (True, 5)


@pytest.mark.parametrize("format", [JPEG, PNG, WEBP, TIFF, AVIF, HEIC])
def test_width_and_height_have_the_orientation_applied(cloud: Cloud, format: Format) -> None:
    body = file_of(quadrants((96, 64)), format, exif=exif_with_gps(orientation=6).tobytes())
    verdict = cloud.validate(f"uploads/turned{format.extension}", body)
    assert (verdict["measures"]["width"], verdict["measures"]["height"]) == (64, 96)


@pytest.mark.parametrize("format", [JPEG, PNG, WEBP, TIFF, AVIF, HEIC])
def test_the_sample_shows_the_first_frame_upright_and_is_never_enlarged(cloud: Cloud, format: Format) -> None:
    turned = exif_with_gps(orientation=6).tobytes()
    for size in ((960, 640), (30, 20)):
        upright = quadrants(size)
        stored = upright.transpose(Image.Transpose.ROTATE_90)
        verdict = cloud.validate(f"uploads/turned{format.extension}", file_of(stored, format, exif=turned))
        sample = from_text(verdict["sample"])
        assert (sample.mode, sample.size) == ("RGB", min(size, (48, 32)))
        expected = upright.resize(sample.size, Image.Resampling.BOX)
        for x, y in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
            place = int(x * sample.width), int(y * sample.height)
            assert sample.getpixel(place) == pytest.approx(expected.getpixel(place), abs=8)


@pytest.mark.parametrize("format", [GIF, PNG, WEBP, TIFF, AVIF])
def test_the_sample_is_of_the_first_frame_of_several(cloud: Cloud, format: Format) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "lime", "blue")]
    body = file_of(frames[0], format, save_all=True, append_images=frames[1:])
    verdict = cloud.validate(f"uploads/moving{format.extension}", body)
    assert verdict["measures"]["frames"] == 3
    sample = from_text(verdict["sample"]).convert("RGB")
    assert sample.getpixel((20, 20)) == pytest.approx((255, 0, 0), abs=8)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "I;16"])
def test_the_sample_of_a_transparent_picture_is_transparent(cloud: Cloud, mode: str) -> None:
    transparent = {"P": {"transparency": 0}, "I;16": {"transparency": 0}}.get(mode, {})
    picture = Image.new("RGBA", (64, 48)).convert(mode) if mode != "I;16" else Image.new(mode, (64, 48))
    sample = from_text(cloud.validate("uploads/a.png", file_of(picture, PNG, **transparent))["sample"])
    assert sample.mode == "RGBA"
    assert sample.getchannel("A").getextrema() == (0, 0)


def rejected(cloud: Cloud, key: str, body: bytes, content_type: str = "") -> ReasonCode:
    """The reason code, after checking that the verdict is complete and its texts are sentences."""
    verdict = cloud.validate(key, body, content_type)
    assert not verdict["accepted"], verdict
    assert set(verdict) == {
        "accepted",
        "reasonCode",
        "reason",
        "hint",
        "mediaType",
        "sha256",
        "durationMs",
        "traceId",
    }
    for sentence in (verdict["reason"], verdict["hint"]):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert not {"{", "<"} & set(sentence)
    return ReasonCode(verdict["reasonCode"])


def test_an_empty_file_is_rejected(cloud: Cloud) -> None:
    assert rejected(cloud, "uploads/a.jpg", b"") is ReasonCode.EMPTY


def test_a_file_over_the_limit_is_rejected_without_being_read(cloud: Cloud) -> None:
    file = file_payload("uploads/never-stored.jpg", size=2_000_001)
    assert cloud.invoke("validate", file)["reasonCode"] == "TOO_LARGE"


def test_a_large_file_with_a_wrong_size_in_its_event_is_rejected_as_too_large(cloud: Cloud) -> None:
    file = cloud.file("uploads/a.jpg", bytes(2_000_001)) | {"bytes": 10}
    assert cloud.invoke("validate", file)["reasonCode"] == "TOO_LARGE"


def test_an_empty_file_with_a_wrong_size_in_its_event_is_rejected_as_empty(cloud: Cloud) -> None:
    file = cloud.file("uploads/a.jpg", b"") | {"bytes": 10}
    assert cloud.invoke("validate", file)["reasonCode"] == "EMPTY"


def test_a_deleted_version_is_rejected_as_not_found(cloud: Cloud) -> None:
    assert cloud.invoke("validate", file_payload("uploads/deleted.jpg", size=10))["reasonCode"] == "NOT_FOUND"


@pytest.mark.parametrize("longest", ["uploads/" + "a" * 892, "uploads/" + "ü" * 446])
def test_a_keys_length_is_limited_in_bytes(cloud: Cloud, longest: str) -> None:
    body = file_of(gradient((8, 8)), JPEG)
    assert cloud.validate(longest, body)["accepted"]
    assert rejected(cloud, longest + "a", body) is ReasonCode.KEY_TOO_LONG


UNSUPPORTED = {
    "drawing.svg": (b'<?xml version="1.0"?>\n<!-- hi -->\n<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
    "bare.svg": (b"<SVG onload='alert(1)'/>", "image/svg+xml"),
    "page.html": (b"<!DOCTYPE html><html></html>", "text/html"),
    "paper.pdf": (b"%PDF-1.7\n", "application/pdf"),
    "old.bmp": (file_of(gradient(), JPEG)[:0] + b"BM" + bytes(60), "image/bmp"),
    "film.mp4": (b"\x00\x00\x00\x18ftypisom" + bytes(20), "video/mp4"),
    "noise.jpg": (bytes(range(64)), "application/octet-stream"),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_an_unsupported_type_is_rejected_with_its_media_type(cloud: Cloud, name: str) -> None:
    body, content_type = UNSUPPORTED[name]
    assert rejected(cloud, f"uploads/{name}", body) is ReasonCode.UNSUPPORTED_TYPE
    assert cloud.validate(f"uploads/{name}", body)["mediaType"] == content_type


def test_a_type_that_the_settings_do_not_accept_is_rejected(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA", image_limits(accepted=["image/jpeg", "image/png"]))
    assert rejected(cloud, "uploads/a.gif", file_of(gradient(), GIF)) is ReasonCode.UNSUPPORTED_TYPE
    assert cloud.validate("uploads/a.png", file_of(gradient(), PNG))["accepted"]


@pytest.mark.parametrize(
    ("key", "content_type"),
    [
        ("uploads/a.jpg", ""),
        ("uploads/a.JPG", ""),
        ("uploads/a.jpg", "image/png"),
        ("uploads/a.html", ""),
        ("uploads/a.png", "image/jpeg"),
        ("uploads/a.png", "text/html; charset=utf-8"),
        ("uploads/a.png", "image/jpg"),
        ("uploads/a.png", "application/json"),
        ("uploads/a.pdf", ""),
        ("uploads/a.svg", "image/*"),
        ("uploads/a.html", "text/html"),
        ("uploads/a.bin", "text/html"),
        ("uploads/a.txt", ""),
        ("uploads/a.mp4", ""),
        ("uploads/a.zip", ""),
        ("uploads/a.exe", ""),
        ("uploads/a.heic", ""),
    ],
)
def test_a_png_with_the_extension_or_content_type_of_another_type_is_rejected(
    cloud: Cloud, key: str, content_type: str
) -> None:
    assert rejected(cloud, key, file_of(gradient(), PNG), content_type) is ReasonCode.TYPE_MISMATCH


@pytest.mark.parametrize(
    ("key", "content_type"),
    [
        ("uploads/a.png", "image/png"),
        ("uploads/a.PNG", "IMAGE/PNG; charset=binary"),
        ("uploads/a", ""),
        ("uploads/a.v2", "binary/octet-stream"),
        ("uploads/a.apng", "application/octet-stream"),
        ("uploads/.png", "image/x-png"),
        ("uploads/photo.jpg/", ""),
        ("uploads/a.png", "image/*"),
        ("uploads/a.png", "*/*"),
        ("uploads/a.png", "application/x-www-form-urlencoded"),
        ("uploads/a.png", "multipart/form-data; boundary=x"),
        ("uploads/a.png", "undefined"),
        ("uploads/by.me", ""),
        ("uploads/by.me", "application/x-troff-me"),
        ("uploads/anna.pl", "text/plain"),
        ("uploads/st. mark's sq.", ""),
        ("uploads/photo.by.ms", ""),
        ("uploads/2026.06.21", ""),
        ("uploads/anna.pl", ""),
        ("uploads/photo.man", ""),
        ("uploads/photo.bin", "application/octet-stream"),
        ("uploads/photo.upload", ""),
    ],
)
def test_a_png_without_a_declared_type_or_with_a_matching_one_is_accepted(
    cloud: Cloud, key: str, content_type: str
) -> None:
    assert cloud.validate(key, file_of(gradient(), PNG), content_type)["accepted"]


@pytest.mark.parametrize(
    ("format", "content_type"),
    [
        (JPEG, "image/jpg"),
        (JPEG, "image/pjpeg"),
        (WEBP, "image/x-webp"),
        (TIFF, "image/x-tiff"),
        (AVIF, "image/heif"),
        (AVIF, "image/heif-sequence"),
        (HEIC, "image/heif"),
    ],
)
def test_an_alias_of_the_detected_type_is_accepted(cloud: Cloud, format: Format, content_type: str) -> None:
    assert cloud.validate(f"uploads/a{format.extension}", file_of(gradient(), format), content_type)["accepted"]


@pytest.mark.parametrize(("format", "content_type"), [(AVIF, "image/heic"), (HEIC, "image/avif"), (JPEG, "image/heif")])
def test_a_related_content_type_is_a_mismatch(cloud: Cloud, format: Format, content_type: str) -> None:
    code = rejected(cloud, f"uploads/a{format.extension}", file_of(gradient(), format), content_type)
    assert code is ReasonCode.TYPE_MISMATCH


def test_a_header_with_too_many_pixels_is_rejected(cloud: Cloud) -> None:
    assert rejected(cloud, "uploads/bomb.png", png_declaring(50_000, 50_000)) is ReasonCode.TOO_MANY_PIXELS


def test_the_pixel_limit_is_exact(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA", image_limits(maxPixels=320 * 200))
    assert cloud.validate("uploads/a.png", file_of(gradient((320, 200)), PNG))["accepted"]
    assert rejected(cloud, "uploads/b.png", file_of(gradient((320, 201)), PNG)) is ReasonCode.TOO_MANY_PIXELS


@pytest.mark.parametrize("format", [GIF, PNG, WEBP, TIFF, AVIF])
def test_pixels_are_summed_over_frames(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, format: Format) -> None:
    monkeypatch.setenv("MEDIA", image_limits(maxPixels=5 * 40 * 30))
    assert cloud.validate(f"uploads/a{format.extension}", animation(5, format=format))["accepted"]
    code = rejected(cloud, f"uploads/b{format.extension}", animation(6, format=format))
    assert code is ReasonCode.TOO_MANY_PIXELS


def test_pixels_are_counted_before_decoding(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second frame is damaged: decoding it would reject the file as CORRUPT."""
    monkeypatch.setenv("MEDIA", image_limits(maxPixels=5 * 40 * 30))
    body = bytearray(animation(6, format=PNG))
    broken = body.index(b"fdAT") + 10
    body[broken : broken + 8] = b"\xff" * 8
    assert rejected(cloud, "uploads/a.png", bytes(body)) is ReasonCode.TOO_MANY_PIXELS
    monkeypatch.setenv("MEDIA", image_limits(maxPixels=6 * 40 * 30))
    cloud.reset()
    assert rejected(cloud, "uploads/a.png", bytes(body)) is ReasonCode.CORRUPT


def test_a_gif_frame_larger_than_its_screen_is_counted_at_its_full_size(cloud: Cloud) -> None:
    body = bytearray(animation(2))
    descriptor = body.rindex(b"\x2c", 0, len(body) - 20)
    body[descriptor + 5 : descriptor + 9] = b"\xff\xff\xff\xff"  # the second frame's width and height
    assert rejected(cloud, "uploads/a.gif", bytes(body)) is ReasonCode.TOO_MANY_PIXELS


@pytest.mark.parametrize("format", [GIF, PNG, WEBP, TIFF, AVIF])
def test_more_frames_than_the_limit_are_rejected(cloud: Cloud, format: Format) -> None:
    assert cloud.validate(f"uploads/a{format.extension}", animation(20, (4, 4), format))["accepted"]
    assert rejected(cloud, f"uploads/b{format.extension}", animation(21, (4, 4), format)) is ReasonCode.TOO_MANY_FRAMES


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("name", ACCEPTED_FILES)
def test_a_truncated_file_is_corrupt(cloud: Cloud, name: str, share: float) -> None:
    _, body = ACCEPTED_FILES[name]
    assert rejected(cloud, f"uploads/{name}", body[: int(len(body) * share)]) is ReasonCode.CORRUPT


@pytest.mark.parametrize("format", [GIF, PNG, WEBP, TIFF])
def test_an_animation_that_is_cut_off_in_its_last_frame_is_corrupt(cloud: Cloud, format: Format) -> None:
    body = animation(10, format=format)
    assert rejected(cloud, f"uploads/a{format.extension}", body[:-25]) is ReasonCode.CORRUPT


def test_a_listed_file_is_rejected_as_denylisted_before_any_other_reason(cloud: Cloud) -> None:
    fine = file_of(gradient(), JPEG)
    for key, body in {
        "uploads/fine.jpg": fine,
        "uploads/truncated.jpg": fine[: len(fine) // 2],
        "uploads/misnamed.png": fine,
        "uploads/bomb.png": png_declaring(50_000, 50_000),
        "uploads/page.html": b"<html>",
    }.items():
        cloud.dynamodb.notes[hashlib.sha256(body).hexdigest()] = None
        assert rejected(cloud, key, body) is ReasonCode.DENYLISTED


def test_the_deny_lists_note_reaches_the_uploader(cloud: Cloud) -> None:
    body = file_of(gradient(), JPEG)
    cloud.dynamodb.notes[hashlib.sha256(body).hexdigest()] = "withdrawn by its photographer"
    verdict = cloud.validate("uploads/a.jpg", body)
    assert "withdrawn by its photographer" in verdict["reason"]
    assert verdict["sha256"] in verdict["hint"]


def test_every_reason_code_is_tested() -> None:
    tests = Path(__file__).parent.rglob("test_*.py")
    source = "".join(path.read_text(encoding="utf-8") for path in tests)
    missing = [
        code.name for code in ReasonCode if f"ReasonCode.{code.name}" not in source and f'"{code.name}"' not in source
    ]
    assert missing == []


@pytest.mark.parametrize(
    "failure", [client_error("SlowDown", 503), client_error("ThrottlingException", 400), ConnectionResetError()]
)
def test_a_failure_to_read_the_file_is_retried_not_a_verdict(cloud: Cloud, failure: Exception) -> None:
    file = cloud.file("uploads/a.jpg", file_of(gradient(), JPEG))
    cloud.s3.failures.append(failure)
    with pytest.raises(TransientError, match=r"uploads/a\.jpg"):
        cloud.invoke("validate", file)


def test_an_incomplete_download_is_retried_not_rejected_as_corrupt(cloud: Cloud) -> None:
    file = cloud.file("uploads/a.jpg", file_of(gradient(), JPEG))
    cloud.s3.is_truncated = True
    with pytest.raises(TransientError):
        cloud.invoke("validate", file)


def test_a_throttled_deny_list_is_retried(cloud: Cloud) -> None:
    cloud.dynamodb.failures.append(client_error("ProvisionedThroughputExceededException", 400))
    with pytest.raises(TransientError, match="deny-list"):
        cloud.validate("uploads/a.jpg", file_of(gradient(), JPEG))


def test_a_missing_permission_fails_without_a_retry(cloud: Cloud) -> None:
    file = cloud.file("uploads/a.jpg", file_of(gradient(), JPEG))
    cloud.s3.failures.append(client_error("AccessDenied", 403))
    with pytest.raises(AccessError, match="role"):
        cloud.invoke("validate", file)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_BYTES", "50 MB"),
        ("MEDIA", ""),
        ("MEDIA", image_limits(maxPixels="many")),
        ("MEDIA", image_limits(accepted=["image/jpeg", "image/bmp"])),
    ],
)
def test_an_invalid_environment_variable_is_a_configuration_error(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError):
        cloud.validate("uploads/a.jpg", file_of(gradient(), JPEG))


def test_the_verdict_has_the_trace_id(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    verdict = cloud.validate("uploads/a.jpg", file_of(gradient(), JPEG))
    assert verdict["traceId"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert json.dumps(verdict)


def test_a_file_of_exactly_the_largest_size_is_accepted_and_hashed_to_its_last_byte(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are read in chunks of 1 MiB; the file has several."""
    body = file_of(Image.effect_noise((1700, 1100), 100), PNG)
    assert len(body) > (1 << 20) + 1
    monkeypatch.setenv("MAX_BYTES", str(len(body)))
    verdict = cloud.validate("uploads/a.png", body)
    assert (verdict["accepted"], verdict["bytes"]) == (True, len(body))
    assert verdict["sha256"] == hashlib.sha256(body).hexdigest()
    assert rejected(cloud, "uploads/b.png", body + b"\0") is ReasonCode.TOO_LARGE


def test_the_deny_list_is_checked_with_the_hash_of_the_whole_file(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_BYTES", str(3 << 20))
    body = file_of(Image.effect_noise((1700, 1100), 100), PNG)
    cloud.dynamodb.notes[hashlib.sha256(body).hexdigest()] = None
    assert rejected(cloud, "uploads/a.png", body) is ReasonCode.DENYLISTED
    cloud.dynamodb.notes = {hashlib.sha256(body[: 1 << 20]).hexdigest(): None}
    assert cloud.validate("uploads/b.png", body)["accepted"]
