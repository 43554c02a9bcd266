"""Thumbnail's renditions: every preset, upright, in sRGB, never enlarged, without the source's metadata."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from functions.shared.errors import ConfigurationError, SourceMissingError, ThumbnailError, TransientError
from functions.shared.formats import AVIF, FORMATS, GIF, HEIC, JPEG, PNG, TIFF, WEBP, Format
from tests.unit.conftest import Cloud, file_payload
from tests.unit.fake_aws import client_error
from tests.unit.pictures import (
    animation,
    exif_with_gps,
    file_of,
    gradient,
    pixel,
    quadrants,
    swapped_profile,
)

SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def renditions(cloud: Cloud, body: bytes, format: Format) -> dict[str, Image.Image]:
    """Thumbnail's renditions of a file, by name."""
    answer = cloud.transform("thumbnail", f"uploads/picture{format.extension}", body)
    outputs = cloud.outputs()
    return {item["name"]: Image.open(io.BytesIO(outputs[item["key"]])) for item in answer["renditions"]}


def looks_like(image: Image.Image, picture: Image.Image) -> bool:
    """Whether the pictures are as similar as lossy formats and other filters allow."""
    difference = ImageChops.difference(image.convert("RGB"), picture.convert("RGB").resize(image.size))
    return max(ImageStat.Stat(difference).mean) < 8


def test_every_preset_is_written_and_returned_in_every_format(cloud: Cloud) -> None:
    answer = cloud.transform("thumbnail", "uploads/a.jpg", file_of(gradient((1600, 1000)), JPEG))
    outputs = cloud.outputs()
    assert {key: answer[key] for key in ("transform", "metadata")} == {"transform": "thumbnail", "metadata": {}}
    assert {item["name"] for item in answer["renditions"]} == {
        f"w{width}-{format}" for width in (160, 320, 640, 1280) for format in ("jpeg", "webp")
    }
    for item in answer["renditions"]:
        stem, kind = item["name"].split("-")
        assert item["key"] == f"processed/uploads/a.jpg/v1/{stem}.{'jpg' if kind == 'jpeg' else 'webp'}"
        assert item["contentType"] == f"image/{kind}"
        assert cloud.s3.objects["processed", item["key"], ""].content_type == item["contentType"]
        assert item["bytes"] == len(outputs[item["key"]])
        with Image.open(io.BytesIO(outputs[item["key"]])) as image:
            assert image.size == (item["width"], item["height"]) == (int(stem[1:]), int(stem[1:]) * 5 // 8)


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda format: format.pillow)
def test_every_format_is_converted_without_visible_changes(cloud: Cloud, format: Format) -> None:
    picture = gradient((700, 400))
    for image in renditions(cloud, file_of(picture, format), format).values():
        assert looks_like(image, picture)


_GREY = gradient((700, 400)).convert("L")
_NEUTRAL = Image.new("L", _GREY.size, 128)
_MODES = {
    "L": _GREY,
    "1": _GREY.convert("1", dither=Image.Dither.NONE),
    "P": Image.merge("RGB", (_GREY,) * 3).quantize(256),
    "CMYK": Image.merge("RGB", (_GREY,) * 3).convert("CMYK"),
    "YCbCr": Image.merge("YCbCr", (_GREY, _NEUTRAL, _NEUTRAL)),
    "LA": Image.merge("LA", (_GREY, Image.new("L", _GREY.size, 255))),
    "I;16": _GREY.convert("I").point(lambda value: value * 257).convert("I;16"),
    "I": _GREY.convert("I").point(lambda value: value * 1000),
    "F": _GREY.convert("F").point(lambda value: value * 0.001),
}


@pytest.mark.parametrize("mode", _MODES)
def test_every_pixel_mode_is_converted_without_visible_changes(cloud: Cloud, mode: str) -> None:
    format = JPEG if mode in {"CMYK", "YCbCr"} else TIFF
    expected = _MODES["1"].convert("L") if mode == "1" else _GREY
    assert looks_like(renditions(cloud, file_of(_MODES[mode], format), format)["w320-webp"], expected)


def test_cielab_is_converted_to_the_right_colour(cloud: Cloud) -> None:
    red = Image.merge("LAB", [Image.new("L", (200, 100), value) for value in (136, 208, 195)])
    image = renditions(cloud, file_of(red, TIFF), TIFF)["w160-webp"]
    assert ImageStat.Stat(image).mean == pytest.approx((255, 0, 0), abs=25)


def test_progressive_and_cmyk_photographs_are_scaled_correctly(cloud: Cloud) -> None:
    picture = gradient((900, 600))
    assert looks_like(renditions(cloud, file_of(picture, JPEG, progressive=True), JPEG)["w640-jpeg"], picture)
    assert looks_like(renditions(cloud, file_of(picture.convert("CMYK"), JPEG), JPEG)["w640-jpeg"], picture)


def test_an_image_is_never_enlarged_but_every_preset_is_written(cloud: Cloud) -> None:
    sizes = {name: image.size for name, image in renditions(cloud, file_of(gradient((200, 100)), PNG), PNG).items()}
    assert sizes.pop("w160-jpeg") == sizes.pop("w160-webp") == (160, 80)
    assert set(sizes) == {f"w{width}-{kind}" for width in (320, 640, 1280) for kind in ("jpeg", "webp")}
    assert set(sizes.values()) == {(200, 100)}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", [JPEG, PNG, WEBP, TIFF, AVIF, HEIC], ids=lambda format: format.pillow)
def test_renditions_are_upright(cloud: Cloud, format: Format, orientation: int) -> None:
    upright = quadrants((192, 128))
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }.get(orientation, [])
    stored = upright
    for step in undo:
        stored = stored.transpose(step)
    images = renditions(cloud, file_of(stored, format, exif=exif_with_gps(orientation).tobytes()), format)
    for name in ("w160-jpeg", "w320-webp"):
        assert images[name].size == ((160, 107) if name == "w160-jpeg" else (192, 128))
        assert looks_like(images[name], upright), f"{name} is not upright"


@pytest.mark.parametrize("format", [JPEG, PNG, WEBP, TIFF, AVIF, HEIC], ids=lambda format: format.pillow)
def test_the_colour_profile_is_applied_and_removed(cloud: Cloud, format: Format) -> None:
    """The profile exchanges red and blue, so a picture that is stored as red is displayed as blue."""
    stored_red = file_of(Image.new("RGB", (200, 100), (255, 0, 0)), format, icc_profile=swapped_profile())
    for image in renditions(cloud, stored_red, format).values():
        red, green, blue = ImageStat.Stat(image.convert("RGB")).mean
        assert (red < 25, green < 25, blue > 230) == (True, True, True)
        assert "icc_profile" not in image.info


@pytest.mark.parametrize("profile", [b"not a profile", swapped_profile()[:200], swapped_profile(), SRGB_PROFILE])
@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_an_invalid_profile_or_one_of_another_colour_space_is_ignored(cloud: Cloud, mode: str, profile: bytes) -> None:
    picture = gradient((200, 100)).convert("L")
    stored = file_of(Image.merge("RGB", (picture,) * 3).convert(mode), JPEG, icc_profile=profile)
    for image in renditions(cloud, stored, JPEG).values():
        assert image.mode in {"L", "RGB"}
        assert looks_like(image, picture)


def with_a_hole(size: tuple[int, int] = (200, 100)) -> Image.Image:
    """Opaque blue, transparent black in the left half."""
    picture = Image.new("RGBA", size, (0, 0, 255, 255))
    picture.paste((0, 0, 0, 0), (0, 0, size[0] // 2, size[1]))
    return picture


@pytest.mark.parametrize("format", [PNG, WEBP, TIFF, AVIF, HEIC], ids=lambda format: format.pillow)
def test_webp_keeps_transparency_and_jpeg_shows_it_on_white(cloud: Cloud, format: Format) -> None:
    images = renditions(cloud, file_of(with_a_hole(), format), format)
    transparent = images["w160-webp"]
    assert transparent.mode == "RGBA"
    assert pixel(transparent, (20, 40))[3] < 10
    assert pixel(transparent, (140, 40))[3] > 245
    assert min(pixel(images["w160-jpeg"], (20, 40))) > 245
    assert pixel(images["w160-jpeg"], (140, 40))[2] > 230


def test_transparency_of_a_palette_or_a_colour_is_kept(cloud: Cloud) -> None:
    by_palette = with_a_hole().quantize(4)
    by_colour = Image.new("RGB", (200, 100), (0, 0, 255))
    by_colour.paste((1, 2, 3), (0, 0, 100, 100))
    for body in (file_of(by_palette, PNG), file_of(by_colour, PNG, transparency=(1, 2, 3))):
        images = renditions(cloud, body, PNG)
        assert pixel(images["w160-webp"], (20, 40))[3] < 10
        assert min(pixel(images["w160-jpeg"], (20, 40))) > 245


def test_an_opaque_alpha_channel_is_dropped(cloud: Cloud) -> None:
    body = file_of(gradient((400, 300)).convert("RGBA"), PNG)
    assert renditions(cloud, body, PNG)["w320-webp"].mode == "RGB"


@pytest.mark.parametrize("format", [GIF, PNG, WEBP, TIFF, AVIF], ids=lambda format: format.pillow)
def test_the_first_frame_of_an_animation_is_scaled(cloud: Cloud, format: Format) -> None:
    images = renditions(cloud, animation(6, (200, 100), format), format)
    red, green, blue = ImageStat.Stat(images["w160-webp"].convert("RGB")).mean
    assert (red, green, blue) == pytest.approx((0, 0, 100), abs=6)


@pytest.mark.parametrize("size", [(1, 1), (1, 999), (999, 1), (3, 20_000), (20_000, 3), (17, 16)])
def test_extreme_aspect_ratios_are_processed(cloud: Cloud, size: tuple[int, int]) -> None:
    for image in renditions(cloud, file_of(gradient(size), PNG), PNG).values():
        assert image.width <= size[0]
        assert image.height <= min(size[1], 16_383)


def test_a_failure_to_write_is_retried_and_a_missing_source_is_not(cloud: Cloud) -> None:
    body = file_of(gradient(), JPEG)
    event = {"file": cloud.file("uploads/a.jpg", body), "media": cloud.validate("uploads/a.jpg", body)}
    cloud.s3.write_failures.append(client_error("SlowDown", 503, "PutObject"))
    with pytest.raises(TransientError, match=r"processed/uploads/a\.jpg"):
        cloud.invoke("thumbnail", event)
    with pytest.raises(SourceMissingError):
        cloud.invoke("thumbnail", event | {"file": file_payload("uploads/gone.jpg", 10)})


def test_content_that_differs_from_the_validated_content_is_an_error(cloud: Cloud) -> None:
    small, large = file_of(gradient((20, 20)), PNG), file_of(gradient((400, 400)), PNG)
    image = cloud.validate("uploads/a.png", small)
    with pytest.raises(ThumbnailError, match="exceeds limit"):
        cloud.invoke("thumbnail", {"file": cloud.file("uploads/a.png", large), "media": image})


BMP = {"width": 1, "formats": ["bmp"], "quality": 1}


@pytest.mark.parametrize("presets", ["", "{", "[{}]", json.dumps({"presets": {"a": BMP}})])
def test_invalid_presets_are_a_configuration_error(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, presets: str) -> None:
    monkeypatch.setenv("SETTINGS", presets)
    with pytest.raises(ConfigurationError, match="SETTINGS"):
        cloud.transform("thumbnail", "uploads/a.jpg", file_of(gradient(), JPEG))


def test_presets_in_ascending_order_are_scaled_from_larger_pictures(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No rendition is enlarged from a smaller one."""
    widths = (160, 320, 640, 1280)
    presets = {f"w{width}": {"width": width, "formats": ["jpeg"], "quality": 90} for width in widths}
    monkeypatch.setenv("SETTINGS", json.dumps({"presets": presets}))
    bands = [255 * (value // 2 % 2) for value in range(256)]
    stripes = Image.linear_gradient("L").resize((1280, 640)).point(bands).convert("RGB")
    pictures = renditions(cloud, file_of(stripes, PNG), PNG)
    assert [pictures[f"w{width}-jpeg"].width for width in widths] == list(widths)
    assert looks_like(pictures["w1280-jpeg"], stripes)


def test_presets_of_one_width_and_two_qualities_differ(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    presets = {
        name: {"width": 200, "formats": ["jpeg", "webp"], "quality": quality}
        for name, quality in (("small", 20), ("fine", 92))
    }
    monkeypatch.setenv("SETTINGS", json.dumps({"presets": presets}))
    answer = cloud.transform("thumbnail", "uploads/a.png", file_of(Image.effect_noise((400, 300), 60), PNG))
    sizes = {item["name"]: item["bytes"] for item in answer["renditions"]}
    assert sizes["fine-jpeg"] > 2 * sizes["small-jpeg"]
    assert sizes["fine-webp"] > 2 * sizes["small-webp"]
