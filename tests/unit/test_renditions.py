"""A rendition is what its specification says: format, size, and the part of the image that is kept."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from contract.renditions import ANIMATED_FORMATS, RENDITION_FORMATS, RenditionFormat, RenditionSpec
from functions.shared.animation import frames, loops
from functions.shared.formats import GIF, JPEG, PNG, WEBP, Format
from functions.shared.gif_encoding import gif
from functions.shared.images import open_image
from functions.shared.rendering import OUTPUT_FORMATS, Rendered, Renderer, render
from tests.unit.conftest import Cloud, file_payload
from tests.unit.pictures import exif_with_gps, file_of, gradient, quadrants

MAX_PIXELS = 1 << 24
GREY, RED, SKIN, SKY = (128, 128, 128), (230, 20, 20), (224, 172, 140), (140, 196, 244)


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
    assert made.measures == {"width": size[0], "height": size[1], "frames": 1}
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


def test_attention_prefers_skin_to_a_colour_that_is_more_saturated() -> None:
    picture = spot(SKIN, (500, 200))
    ImageDraw.Draw(picture).ellipse((70, 170, 130, 230), fill=SKY)
    spec = RenditionSpec(format="png", width=200, height=400, fit="cover", focal_point="attention")
    colours = decoded(rendered(picture, spec)).getcolors() or []
    assert {colour for _, colour in colours} & {SKIN, SKY} == {SKIN}


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
        ({"format": "avif", "animated": True}, "animated is true"),
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


COLOURS = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (240, 240, 0)]
MILLISECONDS = [40, 120, 500, 70]


def animated(format: Format, colours: Sequence[tuple[int, int, int]] = COLOURS, **options: Any) -> io.BytesIO:
    """An animation of 300 by 200 pixels with a frame for each colour, its right half grey."""
    pictures = [Image.new("RGB", (300, 200), colour) for colour in colours]
    for picture in pictures:
        picture.paste(GREY, (150, 0, 300, 200))
    options = {"duration": MILLISECONDS, "loop": 0, **options}
    return io.BytesIO(file_of(pictures[0], format, save_all=True, append_images=pictures[1:], **options))


def played(body: bytes) -> list[tuple[tuple[int, int, int], int]]:
    """The colour at the left edge of each frame, and the frame's milliseconds."""
    image = Image.open(io.BytesIO(body))
    shown = []
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        colour = image.convert("RGB").getpixel((1, image.height // 2))
        shown.append((colour, image.info["duration"]))
    return shown


def near(colour: tuple[int, int, int]) -> Any:
    return pytest.approx(colour, abs=12)


@pytest.mark.parametrize("format", [GIF, WEBP], ids=["GIF", "WebP"])
@pytest.mark.parametrize("height", [None, 50])
@pytest.mark.parametrize("target", ANIMATED_FORMATS)
def test_an_animation_keeps_its_frames_and_their_durations(
    format: Format, height: int | None, target: RenditionFormat
) -> None:
    fit = "cover" if height else "inside"
    spec = RenditionSpec(format=target, width=150, height=height, fit=fit, animated=True)
    made = render(animated(format), format, spec, max_pixels=MAX_PIXELS)
    assert made.measures == {"width": 150, "height": height or 100, "frames": 4}
    assert Image.open(io.BytesIO(made.body)).size == made.size
    assert played(made.body) == [
        (near(colour), milliseconds) for colour, milliseconds in zip(COLOURS, MILLISECONDS, strict=True)
    ]


@pytest.mark.parametrize(
    ("format", "options", "plays"),
    [
        (GIF, {"loop": 0}, 0),
        (GIF, {"loop": 2}, 3),
        (GIF, {"loop": None}, 1),
        (GIF, {"loop": 0xFFFF}, 0xFFFF),
        (WEBP, {"loop": 3}, 3),
        (WEBP, {"loop": 1}, 1),
    ],
)
@pytest.mark.parametrize("target", ANIMATED_FORMATS)
def test_an_animation_is_played_as_often_as_its_source(
    format: Format, options: dict[str, Any], plays: int, target: RenditionFormat
) -> None:
    made = render(
        animated(format, **options),
        format,
        RenditionSpec(format=target, width=150, animated=True),
        max_pixels=MAX_PIXELS,
    )
    assert min(loops(Image.open(io.BytesIO(made.body))), 0xFFFF) == plays  # type: ignore[arg-type]


def test_frames_of_a_gif_do_not_drift_from_those_of_the_source() -> None:
    colours = COLOURS * 6
    source = animated(WEBP, colours, duration=[33] * len(colours))
    made = render(source, WEBP, RenditionSpec(format="gif", width=150, animated=True), max_pixels=MAX_PIXELS)
    assert sum(milliseconds for _, milliseconds in played(made.body)) == pytest.approx(33 * len(colours), abs=5)


def test_a_frame_that_shows_nothing_or_no_change_stays_a_frame_of_a_gif() -> None:
    nothing, disc = Image.new("RGBA", (60, 40)), Image.new("RGBA", (60, 40))
    ImageDraw.Draw(disc).ellipse((5, 5, 35, 35), fill=(*RED, 255))
    for pictures in ([disc, nothing, disc, disc], [disc.convert("RGB"), disc.convert("RGB")]):
        image = Image.open(io.BytesIO(gif(pictures, [50] * len(pictures), loop=0)))
        assert getattr(image, "n_frames", 1) == len(pictures)
        for index, picture in enumerate(pictures):
            image.seek(index)
            assert_near(image.convert("RGBA"), picture.convert("RGBA"))


def test_what_stands_still_in_a_gif_does_not_change_its_dither() -> None:
    still = gradient((120, 80)).convert("RGB")
    pictures = []
    for left in (10, 60):
        picture = still.copy()
        picture.paste(RED, (left, 10, left + 20, 30))
        pictures.append(picture)
    image = Image.open(io.BytesIO(gif(pictures, [50, 50], loop=0)))
    before = image.convert("RGB")
    image.seek(1)
    changed = ImageChops.difference(before, image.convert("RGB")).getbbox()
    assert changed is not None
    assert changed[1] >= 10
    assert changed[3] <= 30


def assert_near(shown: Image.Image, expected: Image.Image) -> None:
    """Two pictures look alike on grey."""
    on_grey = []
    for picture in (shown, expected):
        background = Image.new("RGBA", picture.size, GREY)
        background.alpha_composite(picture)
        on_grey.append(background.convert("RGB"))
    assert max(ImageStat.Stat(ImageChops.difference(*on_grey)).mean) < 2


def test_frames_that_browsers_would_slow_down_are_as_slow_in_the_rendition() -> None:
    source = animated(GIF, duration=[0, 10, 20, 30])
    made = render(source, GIF, RenditionSpec(format="webp", width=150, animated=True), max_pixels=MAX_PIXELS)
    assert [milliseconds for _, milliseconds in played(made.body)] == [100, 100, 20, 30]


@pytest.mark.parametrize(
    ("values", "most"), [({"format": "webp"}, None), ({"format": "webp", "animated": True}, 4 * 150 * 100 - 1)]
)
def test_without_the_setting_or_above_the_limit_the_first_frame_is_kept(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], most: int | None
) -> None:
    if most:
        monkeypatch.setattr("functions.shared.rendering.MAX_ANIMATED_PIXELS", most)
    made = render(animated(GIF), GIF, RenditionSpec(width=150, **values), max_pixels=MAX_PIXELS)
    assert made.measures["frames"] == getattr(Image.open(io.BytesIO(made.body)), "n_frames", 1) == 1
    assert decoded(made).getpixel((1, 50)) == near(COLOURS[0])


def test_stills_and_animations_of_one_file_do_not_depend_on_their_order() -> None:
    specs = [
        RenditionSpec(format="webp", width=300, animated=True),
        RenditionSpec(format="png", width=300),
        RenditionSpec(format="webp", width=150, animated=True),
        RenditionSpec(format="png", width=150),
    ]
    body = animated(WEBP)
    alone = [render(body, WEBP, spec, max_pixels=MAX_PIXELS).body for spec in specs]
    for order in (specs, specs[::-1]):
        renderer = Renderer(body, WEBP, max_pixels=MAX_PIXELS)
        for spec in order:
            made = renderer.render(spec)
            assert made.frames == (4 if spec.animated else 1)
            if spec.width == 300 or spec.animated:
                assert made.body == alone[specs.index(spec)]


def test_what_no_frame_of_a_gif_has_covered_stays_transparent() -> None:
    first, second = Image.new("P", (30, 40), 0), Image.new("P", (30, 40), 0)
    for picture, colour in ((first, COLOURS[0]), (second, COLOURS[2])):
        picture.putpalette(bytes(colour) * 2)
    body = bytearray(file_of(first, GIF, save_all=True, append_images=[second], duration=50, loop=0, optimize=False))
    body[6:8] = (60).to_bytes(2, "little")  # the canvas is twice as wide as the frames
    # Compared before they are encoded: Pillow shows as black what no frame of a WebP covers.
    for (shown, _), colour in zip(
        frames(open_image(io.BytesIO(bytes(body)), GIF, max_pixels=MAX_PIXELS)),
        (COLOURS[0], COLOURS[2]),
        strict=True,
    ):
        assert shown.size == (60, 40)
        assert shown.getpixel((10, 20)) == (*colour, 255)
        assert shown.getchannel("A").crop((30, 0, 60, 40)).getextrema() == (0, 0)


def test_thumbnail_crops_around_the_focal_point_that_was_uploaded_with_the_image(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = {"width": 64, "height": 64, "fit": "cover", "formats": ["png"], "quality": 80}
    monkeypatch.setenv("SETTINGS", json.dumps({"presets": {"square": preset}}))
    body = file_of(quadrants((256, 64)), PNG)
    shown = {}
    for name, metadata in (("left", "0.1,0.5"), ("right", "0.9, 0.5"), ("invalid", "9,9"), ("none", "")):
        key = f"uploads/{name}.png"
        verdict = cloud.validate(key, body)
        cloud.s3.add(key, body, metadata={"Focal-Point": metadata} if metadata else {})
        answer = cloud.invoke("thumbnail", {"file": file_payload(key, len(body)), "media": verdict})
        shown[name] = Image.open(io.BytesIO(cloud.outputs()[answer["renditions"][0]["key"]])).tobytes()
    whole = quadrants((256, 64))
    assert shown["left"] == whole.crop((0, 0, 64, 64)).tobytes()
    assert shown["right"] == whole.crop((192, 0, 256, 64)).tobytes()
    assert shown["invalid"] == shown["none"] == whole.crop((96, 0, 160, 64)).tobytes()
