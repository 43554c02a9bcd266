"""The watermark: legible on any background, only in its corner, at full size, upright, in sRGB."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image, ImageChops, ImageColor, ImageStat

from functions.shared.errors import AccessError, ConfigurationError, TransientError
from functions.shared.formats import AVIF, FORMATS, GIF, HEIC, JPEG, PNG, TIFF, WEBP, Format
from functions.shared.watermark.mark import with_halo
from tests.unit.conftest import Cloud
from tests.unit.fake_aws import StoredObject, client_error
from tests.unit.pictures import animation, exif_with_gps, file_of, gradient, quadrants, swapped_profile

LARGE = (480, 300)


def watermarked(cloud: Cloud, body: bytes, format: Format) -> Image.Image:
    """Watermark's rendition of a file."""
    answer = cloud.transform("watermark", f"uploads/picture{format.extension}", body)
    [rendition] = answer["renditions"]
    body = cloud.outputs()[rendition["key"]]
    image = Image.open(io.BytesIO(body))
    assert rendition == {
        "name": "watermark",
        "key": rendition["key"],
        "contentType": f"image/{(image.format or '').lower()}",
        "width": image.width,
        "height": image.height,
        "frames": 1,
        "bytes": len(body),
    }
    return image


def configure(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    """Change the watermark's settings."""
    defaults: dict[str, object] = {"text": "© img-pipeline", "opacity": 0.6, "position": "bottom-right", "logoPath": ""}
    monkeypatch.setenv("SETTINGS", json.dumps(defaults | values))


def changed_box(image: Image.Image, before: Image.Image) -> tuple[int, int, int, int]:
    """The smallest box around the pixels that differ."""
    box = ImageChops.difference(image.convert("RGB"), before.convert("RGB")).getbbox()
    assert box is not None, "no pixel was changed"
    return box


@pytest.mark.parametrize(
    ("format", "written"),
    [(JPEG, JPEG), (PNG, PNG), (WEBP, WEBP), (GIF, JPEG), (TIFF, JPEG), (AVIF, JPEG), (HEIC, JPEG)],
    ids=lambda format: format.pillow,
)
def test_each_format_is_written_as_one_that_browsers_support(cloud: Cloud, format: Format, written: Format) -> None:
    picture = gradient(LARGE)
    image = watermarked(cloud, file_of(picture, format), format)
    assert (image.format, image.size) == (written.pillow, LARGE)
    difference = ImageChops.difference(image.convert("RGB"), picture).crop((0, 0, 480, 240))
    assert max(ImageStat.Stat(difference).mean) < 6


@pytest.mark.parametrize("format", [TIFF, AVIF, HEIC, GIF], ids=lambda format: format.pillow)
def test_transparent_images_are_written_as_png(cloud: Cloud, format: Format) -> None:
    picture = gradient(LARGE).convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 180, 180))
    image = watermarked(cloud, file_of(picture, format), format)
    assert (image.format, image.mode) == ("PNG", "RGBA")
    assert sum(image.getchannel("A").crop((10, 10, 170, 170)).histogram()[5:]) == 0


def test_the_mark_changes_no_pixel_outside_its_corner(cloud: Cloud) -> None:
    picture = gradient(LARGE)
    left, top, right, bottom = changed_box(watermarked(cloud, file_of(picture, PNG), PNG), picture)
    assert left > 480 * 0.6
    assert top > 300 * 0.8
    assert right < 480
    assert bottom < 300


@pytest.mark.parametrize("background", ["white", "black", "grey", "red", "navy", "yellow"])
def test_the_mark_is_legible_on_every_background(cloud: Cloud, background: str) -> None:
    plain = Image.new("RGB", LARGE, background)
    image = watermarked(cloud, file_of(plain, PNG), PNG)
    darkest, lightest = image.convert("L").crop(changed_box(image, plain)).getextrema()
    assert isinstance(darkest, int)
    assert isinstance(lightest, int)
    assert lightest - darkest > 90


@pytest.mark.parametrize("width", [400, 1600])
def test_the_marks_size_is_proportional_to_the_images(cloud: Cloud, width: int) -> None:
    plain = Image.new("RGB", (width, width * 5 // 8), "teal")
    left, _, right, _ = changed_box(watermarked(cloud, file_of(plain, PNG), PNG), plain)
    assert right - left == pytest.approx(width * 0.26, rel=0.06)


@pytest.mark.parametrize(
    ("position", "is_left", "is_top"),
    [
        ("top-left", True, True),
        ("top-right", False, True),
        ("bottom-left", True, False),
        ("bottom-right", False, False),
    ],
)
def test_the_mark_is_at_the_configured_position(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, position: str, is_left: bool, is_top: bool
) -> None:
    configure(monkeypatch, position=position)
    plain = Image.new("RGB", LARGE, "teal")
    left, top, right, bottom = changed_box(watermarked(cloud, file_of(plain, PNG), PNG), plain)
    assert ((left + right) / 2 < 240, (top + bottom) / 2 < 150) == (is_left, is_top)


def test_the_mark_can_be_in_the_centre(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, position="center")
    plain = Image.new("RGB", LARGE, "teal")
    left, top, right, bottom = changed_box(watermarked(cloud, file_of(plain, PNG), PNG), plain)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((240, 150), abs=6)


def test_the_text_is_sharp_on_a_large_image(cloud: Cloud) -> None:
    """If it were enlarged from a smaller picture, few opaque pixels would be next to transparent ones."""
    plain = Image.new("L", (2400, 800), "black")
    image = watermarked(cloud, file_of(plain, PNG), PNG).convert("L")
    steep = ImageChops.difference(image, ImageChops.offset(image, 2, 0)).histogram()[130:]
    assert sum(steep) > 100


def test_a_higher_opacity_makes_the_mark_more_visible(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Image.new("RGB", LARGE, "grey")
    strength = []
    for opacity in (0.2, 0.9):
        configure(monkeypatch, opacity=opacity)
        cloud.reset()
        image = watermarked(cloud, file_of(plain, PNG), PNG)
        strength.append(ImageStat.Stat(ImageChops.difference(image, plain)).sum[0])
    assert strength[1] > 3 * strength[0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_and_the_mark_are_upright(cloud: Cloud, orientation: int) -> None:
    stored = quadrants((200, 400) if orientation >= 5 else (400, 200))
    image = watermarked(cloud, file_of(stored, JPEG, exif=exif_with_gps(orientation).tobytes()), JPEG)
    assert image.size == (400, 200)
    assert image.getexif().get(0x0112) is None
    expected = {
        1: "rgb", 2: "gr", 3: ".bg", 4: "b.r", 5: "rbg", 6: "br", 7: ".gb", 8: "g.r"
    }  # fmt: skip
    corners = "".join(colour_name(image, at) for at in ((50, 50), (350, 50), (50, 150)))
    assert corners.startswith(expected[orientation])


def colour_name(image: Image.Image, at: tuple[int, int]) -> str:
    """r, g, b, or . for white."""
    red, green, blue = (value > 128 for value in image.convert("RGB").crop((*at, at[0] + 1, at[1] + 1)).tobytes())
    return {(True, False, False): "r", (False, True, False): "g", (False, False, True): "b"}.get(
        (red, green, blue), "."
    )


def test_the_colour_profile_is_applied_and_removed(cloud: Cloud) -> None:
    stored_red = Image.new("RGB", LARGE, (255, 0, 0))
    for format in (JPEG, PNG, WEBP, TIFF):
        image = watermarked(cloud, file_of(stored_red, format, icc_profile=swapped_profile()), format)
        assert "icc_profile" not in image.info
        red, green, blue = ImageStat.Stat(image.convert("RGB").crop((0, 0, 240, 180))).mean
        assert (red < 25, green < 25, blue > 230) == (True, True, True)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA"])
def test_every_pixel_mode_is_watermarked(cloud: Cloud, mode: str) -> None:
    format = JPEG if mode == "CMYK" else PNG
    assert watermarked(cloud, file_of(gradient(LARGE).convert(mode), format), format).size == LARGE


@pytest.mark.parametrize("size", [(1, 1), (1, 999), (999, 1), (3, 20_000), (17, 16)])
def test_extreme_aspect_ratios_are_processed(cloud: Cloud, size: tuple[int, int]) -> None:
    assert watermarked(cloud, file_of(gradient(size), PNG), PNG).size == size


def test_an_image_too_wide_for_jpeg_is_written_as_png(cloud: Cloud) -> None:
    assert watermarked(cloud, file_of(Image.new("L", (70_000, 2)), TIFF), TIFF).format == "PNG"


def test_the_first_frame_of_an_animation_is_watermarked(cloud: Cloud) -> None:
    image = watermarked(cloud, animation(5, LARGE), GIF)
    assert getattr(image, "n_frames", 1) == 1
    assert ImageStat.Stat(image.crop((0, 0, 240, 180))).mean == pytest.approx((0, 0, 100), abs=6)


def logo_in(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """Configure a logo."""
    configure(monkeypatch, logoPath={"key": "assets/logo.png"})
    cloud.s3.objects["processed", "assets/logo.png", ""] = StoredObject(body, "image/png")


@pytest.mark.parametrize("colour", ["black", "white", "red"])
@pytest.mark.parametrize("background", ["black", "white", "red"])
def test_a_logo_is_legible_on_a_background_of_its_own_colour(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, colour: str, background: str
) -> None:
    logo = Image.new("RGBA", (300, 100), (0, 0, 0, 0))
    logo.paste(colour, (20, 20, 280, 80))
    logo_in(cloud, monkeypatch, file_of(logo, PNG))
    plain = Image.new("RGB", LARGE, background)
    image = watermarked(cloud, file_of(plain, PNG), PNG)
    region = image.convert("L").crop(changed_box(image, plain))
    darkest, lightest = region.getextrema()
    assert isinstance(darkest, int)
    assert isinstance(lightest, int)
    assert lightest - darkest > 60


@pytest.mark.parametrize(("colour", "halo"), [("white", "black"), ("black", "white"), ("lightblue", "black")])
def test_a_halo_has_one_contrasting_colour_all_around(colour: str, halo: str) -> None:
    logo = Image.new("RGBA", (160, 80), colour)
    picture = with_halo(logo, opacity=1)
    margin = (picture.width - logo.width) // 2
    assert margin > 0
    colours = picture.convert("RGB")
    for edge in ((margin - 1, picture.height // 2), (picture.width // 2, margin - 1)):
        assert colours.getpixel(edge) == ImageColor.getrgb(halo)
    assert colours.getpixel((picture.width // 2, picture.height // 2)) == ImageColor.getrgb(colour)


def test_a_logo_is_downloaded_once_per_execution_environment(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    logo_in(cloud, monkeypatch, file_of(gradient((60, 20)), PNG))
    body = file_of(gradient(LARGE), JPEG)
    watermarked(cloud, body, JPEG)
    del cloud.s3.objects["processed", "assets/logo.png", ""]
    watermarked(cloud, body, JPEG)


@pytest.mark.parametrize("body", [b"", b"no image", b"\x89PNG\r\n\x1a\n broken", file_of(gradient(), JPEG)[:500]])
def test_a_logo_that_cannot_be_decoded_is_a_configuration_error(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    logo_in(cloud, monkeypatch, body)
    with pytest.raises(ConfigurationError, match="logo"):
        watermarked(cloud, file_of(gradient(), JPEG), JPEG)


def test_a_missing_logo_fails_with_its_key(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, logoPath={"key": "assets/nowhere.png"})
    with pytest.raises(AccessError, match=r"assets/nowhere\.png"):
        watermarked(cloud, file_of(gradient(), JPEG), JPEG)


def test_a_failed_download_of_the_logo_is_not_cached(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    logo_in(cloud, monkeypatch, file_of(gradient((60, 20)), PNG))
    body = file_of(gradient(LARGE), JPEG)
    event = {"file": cloud.file("uploads/a.jpg", body), "media": cloud.validate("uploads/a.jpg", body)}
    cloud.s3.failing_keys["assets/logo.png"] = client_error("SlowDown", 503)
    with pytest.raises(TransientError, match=r"logo\.png"):
        cloud.invoke("watermark", event)
    del cloud.s3.failing_keys["assets/logo.png"]
    assert cloud.invoke("watermark", event)["renditions"]


@pytest.mark.parametrize("text", ["Café", "写真", "📷"])
def test_a_text_that_the_font_cannot_draw_is_a_configuration_error(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    configure(monkeypatch, text=text)
    with pytest.raises(ConfigurationError, match="cannot draw"):
        watermarked(cloud, file_of(gradient(), JPEG), JPEG)


@pytest.mark.parametrize(
    "values", [{"opacity": 2}, {"opacity": "x"}, {"position": "left"}, {"text": " "}, {"text": ""}]
)
def test_an_invalid_watermark_is_a_configuration_error(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, values: dict[str, object]
) -> None:
    configure(monkeypatch, **values)
    with pytest.raises(ConfigurationError, match="SETTINGS"):
        watermarked(cloud, file_of(gradient(), JPEG), JPEG)


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda format: format.pillow)
def test_the_mark_shows_the_configured_text(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, format: Format) -> None:
    """Two texts of the same length differ in their region, and nowhere else."""
    picture, seen = Image.new("RGB", LARGE, "teal"), []
    for text in ("© ANNA", "© OTTO"):
        configure(monkeypatch, text=text)
        cloud.reset()
        seen.append(watermarked(cloud, file_of(picture, format), format).convert("RGB"))
    difference = ImageChops.difference(*seen).point(3 * ([0] * 40 + [255] * 216)).getbbox()
    assert difference is not None
    assert difference[0] > 240
    assert difference[1] > 180


def test_a_webp_whose_canvas_is_larger_than_a_webp_can_be_is_converted(cloud: Cloud) -> None:
    body = bytearray(animation(2, format=WEBP))
    at = body.index(b"VP8X") + 12
    body[at : at + 3] = (20_000 - 1).to_bytes(3, "little")
    (rendition,) = cloud.transform("watermark", "uploads/wide.webp", bytes(body))["renditions"]
    assert (rendition["width"], rendition["height"]) == (20_000, 30)
    assert rendition["contentType"] in {"image/png", "image/jpeg"}
