"""The watermark: legible on any ground, in its corner and nowhere else, at full size, upright, in sRGB."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image, ImageChops, ImageStat

from functions.shared.errors import AccessError, ConfigurationError, TransientError
from functions.shared.formats import AVIF, FORMATS, GIF, HEIC, JPEG, PNG, TIFF, WEBP, Format
from tests.unit.conftest import Cloud
from tests.unit.fake_aws import StoredObject, client_error
from tests.unit.pictures import animation, exif_with_gps, file_of, gradient, quadrants, swapped_profile

LARGE = (480, 300)


def watermarked(cloud: Cloud, body: bytes, format: Format) -> Image.Image:
    """What watermark writes for a file."""
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
def test_each_format_is_written_as_one_that_browsers_show(cloud: Cloud, format: Format, written: Format) -> None:
    picture = gradient(LARGE)
    image = watermarked(cloud, file_of(picture, format), format)
    assert (image.format, image.size) == (written.pillow, LARGE)
    difference = ImageChops.difference(image.convert("RGB"), picture).crop((0, 0, 480, 240))
    assert max(ImageStat.Stat(difference).mean) < 6


@pytest.mark.parametrize("format", [TIFF, AVIF, HEIC, GIF], ids=lambda format: format.pillow)
def test_transparency_is_kept_by_writing_a_png(cloud: Cloud, format: Format) -> None:
    picture = gradient(LARGE).convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 180, 180))
    image = watermarked(cloud, file_of(picture, format), format)
    assert (image.format, image.mode) == ("PNG", "RGBA")
    assert sum(image.getchannel("A").crop((10, 10, 170, 170)).histogram()[5:]) == 0


def test_the_mark_touches_its_corner_and_not_one_pixel_elsewhere(cloud: Cloud) -> None:
    picture = gradient(LARGE)
    left, top, right, bottom = changed_box(watermarked(cloud, file_of(picture, PNG), PNG), picture)
    assert left > 480 * 0.6
    assert top > 300 * 0.8
    assert right < 480
    assert bottom < 300


@pytest.mark.parametrize("ground", ["white", "black", "grey", "red", "navy", "yellow"])
def test_the_mark_is_legible_on_every_ground(cloud: Cloud, ground: str) -> None:
    plain = Image.new("RGB", LARGE, ground)
    image = watermarked(cloud, file_of(plain, PNG), PNG)
    darkest, lightest = image.convert("L").crop(changed_box(image, plain)).getextrema()
    assert isinstance(darkest, int)
    assert isinstance(lightest, int)
    assert lightest - darkest > 90


@pytest.mark.parametrize("width", [400, 1600])
def test_the_mark_grows_with_the_image(cloud: Cloud, width: int) -> None:
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
def test_the_mark_stands_where_it_is_configured(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, position: str, is_left: bool, is_top: bool
) -> None:
    configure(monkeypatch, position=position)
    plain = Image.new("RGB", LARGE, "teal")
    left, top, right, bottom = changed_box(watermarked(cloud, file_of(plain, PNG), PNG), plain)
    assert ((left + right) / 2 < 240, (top + bottom) / 2 < 150) == (is_left, is_top)


def test_the_mark_can_stand_in_the_centre(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, position="center")
    plain = Image.new("RGB", LARGE, "teal")
    left, top, right, bottom = changed_box(watermarked(cloud, file_of(plain, PNG), PNG), plain)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((240, 150), abs=6)


def test_the_text_is_sharp_on_a_large_image(cloud: Cloud) -> None:
    """A text that was drawn small and enlarged would have hardly a solid pixel beside an empty one."""
    plain = Image.new("L", (2400, 800), "black")
    image = watermarked(cloud, file_of(plain, PNG), PNG).convert("L")
    steep = ImageChops.difference(image, ImageChops.offset(image, 2, 0)).histogram()[130:]
    assert sum(steep) > 100


def test_more_opacity_shows_more(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Image.new("RGB", LARGE, "grey")
    strength = []
    for opacity in (0.2, 0.9):
        configure(monkeypatch, opacity=opacity)
        cloud.forget()
        image = watermarked(cloud, file_of(plain, PNG), PNG)
        strength.append(ImageStat.Stat(ImageChops.difference(image, plain)).sum[0])
    assert strength[1] > 3 * strength[0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_stands_upright_and_so_does_the_mark(cloud: Cloud, orientation: int) -> None:
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


def test_the_colour_profile_is_applied_and_gone(cloud: Cloud) -> None:
    stored_red = Image.new("RGB", LARGE, (255, 0, 0))
    for format in (JPEG, PNG, WEBP, TIFF):
        image = watermarked(cloud, file_of(stored_red, format, icc_profile=swapped_profile()), format)
        assert "icc_profile" not in image.info
        red, green, blue = ImageStat.Stat(image.convert("RGB").crop((0, 0, 240, 180))).mean
        assert (red < 25, green < 25, blue > 230) == (True, True, True)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA"])
def test_every_pixel_mode_comes_out(cloud: Cloud, mode: str) -> None:
    format = JPEG if mode == "CMYK" else PNG
    assert watermarked(cloud, file_of(gradient(LARGE).convert(mode), format), format).size == LARGE


@pytest.mark.parametrize("size", [(1, 1), (1, 999), (999, 1), (3, 20_000), (17, 16)])
def test_extreme_shapes_come_out(cloud: Cloud, size: tuple[int, int]) -> None:
    assert watermarked(cloud, file_of(gradient(size), PNG), PNG).size == size


def test_a_strip_too_long_for_jpeg_becomes_a_png(cloud: Cloud) -> None:
    assert watermarked(cloud, file_of(Image.new("L", (70_000, 2)), TIFF), TIFF).format == "PNG"


def test_of_an_animation_the_first_frame_is_marked(cloud: Cloud) -> None:
    image = watermarked(cloud, animation(5, LARGE), GIF)
    assert getattr(image, "n_frames", 1) == 1
    assert ImageStat.Stat(image.crop((0, 0, 240, 180))).mean == pytest.approx((0, 0, 100), abs=6)


def logo_in(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """Configure a logo."""
    configure(monkeypatch, logoPath={"key": "assets/logo.png"})
    cloud.s3.objects["processed", "assets/logo.png", ""] = StoredObject(body, "image/png")


@pytest.mark.parametrize("colour", ["black", "white", "red"])
@pytest.mark.parametrize("ground", ["black", "white", "red"])
def test_a_logo_is_legible_even_on_a_ground_of_its_own_colour(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, colour: str, ground: str
) -> None:
    logo = Image.new("RGBA", (300, 100), (0, 0, 0, 0))
    logo.paste(colour, (20, 20, 280, 80))
    logo_in(cloud, monkeypatch, file_of(logo, PNG))
    plain = Image.new("RGB", LARGE, ground)
    image = watermarked(cloud, file_of(plain, PNG), PNG)
    region = image.convert("L").crop(changed_box(image, plain))
    darkest, lightest = region.getextrema()
    assert isinstance(darkest, int)
    assert isinstance(lightest, int)
    assert lightest - darkest > 60


def test_a_logo_is_fetched_once_per_environment(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    logo_in(cloud, monkeypatch, file_of(gradient((60, 20)), PNG))
    body = file_of(gradient(LARGE), JPEG)
    watermarked(cloud, body, JPEG)
    del cloud.s3.objects["processed", "assets/logo.png", ""]
    watermarked(cloud, body, JPEG)


@pytest.mark.parametrize("body", [b"", b"no image", b"\x89PNG\r\n\x1a\n broken", file_of(gradient(), JPEG)[:500]])
def test_a_logo_that_cannot_be_decoded_is_named(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    logo_in(cloud, monkeypatch, body)
    with pytest.raises(ConfigurationError, match="logo"):
        watermarked(cloud, file_of(gradient(), JPEG), JPEG)


def test_a_missing_logo_is_named(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, logoPath={"key": "assets/nowhere.png"})
    with pytest.raises(AccessError, match=r"assets/nowhere\.png"):
        watermarked(cloud, file_of(gradient(), JPEG), JPEG)


def test_a_failed_attempt_to_fetch_the_logo_is_not_remembered(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    logo_in(cloud, monkeypatch, file_of(gradient((60, 20)), PNG))
    body = file_of(gradient(LARGE), JPEG)
    event = {"file": cloud.file("uploads/a.jpg", body), "media": cloud.validate("uploads/a.jpg", body)}
    cloud.s3.failing_keys["assets/logo.png"] = client_error("SlowDown", 503)
    with pytest.raises(TransientError, match=r"logo\.png"):
        cloud.invoke("watermark", event)
    del cloud.s3.failing_keys["assets/logo.png"]
    assert cloud.invoke("watermark", event)["renditions"]


@pytest.mark.parametrize("text", ["Café", "写真", "📷"])
def test_a_text_that_the_font_cannot_draw_is_named(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    configure(monkeypatch, text=text)
    with pytest.raises(ConfigurationError, match="cannot draw"):
        watermarked(cloud, file_of(gradient(), JPEG), JPEG)


@pytest.mark.parametrize(
    "values", [{"opacity": 2}, {"opacity": "x"}, {"position": "left"}, {"text": " "}, {"text": ""}]
)
def test_an_impossible_watermark_is_named(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, values: dict[str, object]
) -> None:
    configure(monkeypatch, **values)
    with pytest.raises(ConfigurationError, match="SETTINGS"):
        watermarked(cloud, file_of(gradient(), JPEG), JPEG)


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda format: format.pillow)
def test_the_mark_is_really_the_text(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, format: Format) -> None:
    """Two texts of the same length look different where they stand, and the same elsewhere."""
    picture, seen = Image.new("RGB", LARGE, "teal"), []
    for text in ("© ANNA", "© OTTO"):
        configure(monkeypatch, text=text)
        cloud.forget()
        seen.append(watermarked(cloud, file_of(picture, format), format).convert("RGB"))
    difference = ImageChops.difference(*seen).point(3 * ([0] * 40 + [255] * 216)).getbbox()
    assert difference is not None
    assert difference[0] > 240
    assert difference[1] > 180
