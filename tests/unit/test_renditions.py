"""A rendition is what its specification says: format, size, and the part of the image that is kept."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw, ImageStat

from contract.renditions import RENDITION_FORMATS, RenditionSpec
from functions.shared.formats import JPEG, PNG, WEBP
from functions.shared.rendering import OUTPUT_FORMATS, Rendered, Renderer, render
from tests.unit.pictures import exif_with_gps, file_of, gradient, quadrants

MAX_PIXELS = 1 << 24
GREY, RED, SKIN = (128, 128, 128), (230, 20, 20), (224, 172, 140)


def rendered(picture: Image.Image, spec: RenditionSpec) -> Rendered:
    """A rendition of a PNG of the picture."""
    return render(io.BytesIO(file_of(picture, PNG)), PNG, spec, max_pixels=MAX_PIXELS)


def decoded(made: Rendered) -> Image.Image:
    """The rendition's pixels, in RGB."""
    return Image.open(io.BytesIO(made.body)).convert("RGB")


def spot(colour: tuple[int, int, int], centre: tuple[int, int]) -> Image.Image:
    """A grey picture of 600 by 400 with a disc of 60 pixels."""
    picture = Image.new("RGB", (600, 400), GREY)
    box = (centre[0] - 30, centre[1] - 30, centre[0] + 30, centre[1] + 30)
    ImageDraw.Draw(picture).ellipse(box, fill=colour)
    return picture


@pytest.mark.parametrize("format", RENDITION_FORMATS)
def test_every_output_format_keeps_size_and_colours(format: str) -> None:
    made = rendered(gradient((300, 200)), RenditionSpec(format=format, width=150))  # pyright: ignore[reportArgumentType]
    image = Image.open(io.BytesIO(made.body))
    assert (made.format, image.format) == (OUTPUT_FORMATS[format], OUTPUT_FORMATS[format].pillow)
    assert image.size == made.size == (150, 100)
    assert ImageStat.Stat(decoded(made)).mean == pytest.approx(ImageStat.Stat(gradient((300, 200))).mean, abs=4)


@pytest.mark.parametrize("format", ["png", "avif", "webp"])
def test_formats_with_transparency_keep_it(format: str) -> None:
    picture = Image.new("RGBA", (64, 64), (0, 0, 255, 0))
    made = rendered(picture, RenditionSpec(format=format, width=32))  # pyright: ignore[reportArgumentType]
    assert Image.open(io.BytesIO(made.body)).convert("RGBA").getchannel("A").getextrema() == (0, 0)


@pytest.mark.parametrize(
    ("width", "height", "fit", "size"),
    [
        (150, None, "inside", (150, 100)),
        (150, 50, "inside", (75, 50)),
        (900, 900, "inside", (600, 400)),
        (100, 100, "cover", (100, 100)),
        (200, 50, "cover", (200, 50)),
        (1200, 1200, "cover", (400, 400)),  # never enlarged: the largest square
        (1200, 200, "cover", (600, 100)),
    ],
)
def test_the_size_follows_from_the_fit(width: int, height: int | None, fit: str, size: tuple[int, int]) -> None:
    spec = RenditionSpec(format="png", width=width, height=height, fit=fit)  # pyright: ignore[reportArgumentType]
    made = rendered(quadrants((600, 400)), spec)
    assert made.measures == {"width": size[0], "height": size[1]}
    assert decoded(made).size == size


@pytest.mark.parametrize("colour", [RED, SKIN])
@pytest.mark.parametrize("centre", [(50, 200), (300, 200), (550, 200)])
def test_attention_keeps_what_is_saturated_or_skin_in_view(
    colour: tuple[int, int, int], centre: tuple[int, int]
) -> None:
    picture = spot(colour, centre)
    made = decoded(
        rendered(picture, RenditionSpec(format="png", width=100, height=200, fit="cover", focal_point="attention"))
    )
    elsewhere = "1,0.5" if centre[0] < 300 else "0,0.5"
    missed = decoded(
        rendered(picture, RenditionSpec(format="png", width=100, height=200, fit="cover", focal_point=elsewhere))
    )
    assert covered(missed) == 0
    assert covered(made) == pytest.approx(3 * covered(picture), rel=0.1)


def covered(picture: Image.Image) -> float:
    """The share of a picture that is not grey, as a difference from its background."""
    red = picture.getchannel("R").point([255 * (value > 150) for value in range(256)])
    return ImageStat.Stat(red).mean[0] / 255


def test_attention_keeps_detail_in_view() -> None:
    picture = Image.new("RGB", (600, 400), GREY)
    picture.paste(Image.effect_noise((80, 80), 120).convert("RGB"), (500, 160))
    spec = RenditionSpec(format="png", width=200, height=200, fit="cover", focal_point="attention")
    assert max(ImageStat.Stat(decoded(rendered(picture, spec))).stddev) > 5
    elsewhere = RenditionSpec(format="png", width=200, height=200, fit="cover", focal_point="0,0.5")
    assert max(ImageStat.Stat(decoded(rendered(picture, elsewhere))).stddev) == 0


def test_a_uniform_picture_is_cropped_at_its_centre() -> None:
    spec = RenditionSpec(format="png", width=16, height=400, fit="cover", focal_point="attention")
    picture = Image.new("RGB", (600, 400), GREY)
    assert decoded(rendered(picture, spec)).getcolors() == [(16 * 400, GREY)]


@pytest.mark.parametrize(
    ("point", "quadrant"), [("0,0", (0, 0)), ("1,0", (1, 0)), ("0.1,0.9", (0, 1)), ("0.9, 0.9", (1, 1))]
)
def test_a_focal_point_is_kept_in_view_of_the_upright_image(point: str, quadrant: tuple[int, int]) -> None:
    upright = quadrants((128, 128))
    stored = upright.transpose(Image.Transpose.ROTATE_90)  # orientation 6 turns it back
    body = io.BytesIO(file_of(stored, JPEG, exif=exif_with_gps(6).tobytes(), quality=95))
    for width, height in ((128, 64), (64, 128)):
        spec = RenditionSpec(format="png", width=width, height=height, fit="cover", focal_point=point)
        made = decoded(render(body, JPEG, spec, max_pixels=MAX_PIXELS))
        assert made.size == (width, height)
        top, left = 64 * quadrant[1] * (height == 64), 64 * quadrant[0] * (width == 64)
        expected = upright.crop((left, top, left + width, top + height))
        assert ImageStat.Stat(made).mean == pytest.approx(ImageStat.Stat(expected).mean, abs=6)


def test_one_renderer_makes_the_same_as_one_for_each_rendition_in_any_order() -> None:
    body = io.BytesIO(file_of(gradient((640, 480)), WEBP))
    specs = [
        RenditionSpec(format="png", width=160),
        RenditionSpec(format="png", width=320, height=320, fit="cover"),
        RenditionSpec(format="png", width=640),
    ]
    renderer = Renderer(body, WEBP, max_pixels=MAX_PIXELS)
    for spec in specs:
        assert renderer.render(spec).body == render(body, WEBP, spec, max_pixels=MAX_PIXELS).body


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 15}, "width is 15"),
        ({"height": 8193}, "height is 8193"),
        ({"quality": 96}, "quality is 96"),
        ({"format": "bmp"}, "format is 'bmp'"),
        ({"fit": "fill"}, "fit is 'fill'"),
        ({"fit": "cover"}, "height is missing"),
        ({"focalPoint": "0.3;0.7"}, "focalPoint is '0.3;0.7'"),
        ({"focalPoint": "1.2,0.5"}, "focalPoint is '1.2,0.5'"),
    ],
)
def test_a_wrong_specification_is_refused_by_the_name_of_its_key(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RenditionSpec.from_json({"format": "webp", "width": 320, **values})


def test_equal_specifications_have_one_id_and_others_another() -> None:
    spec = RenditionSpec(format="webp", width=320)
    assert (
        RenditionSpec.from_json(spec.to_json()).id
        == spec.id
        == RenditionSpec.from_json({"width": 320, "format": "webp"}).id
    )
    assert RenditionSpec(format="webp", width=320, quality=83).id != spec.id
