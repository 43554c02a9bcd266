"""Presets with every ability of renditions, and orders that share them, in one stack."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from client.uploads import Upload
from testing.callers import Callers, send
from testing.pictures import photograph
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually

PRESETS = {
    "w160": None,
    "w1280": None,
    "w640": None,
    "w320": {"width": 320, "formats": ["jpeg", "avif", "png"], "quality": 60},
    "square": {"width": 96, "height": 96, "fit": "cover", "focalPoint": "0,0.5", "formats": ["png"], "quality": 82},
    "shown": {"width": 96, "height": 96, "fit": "cover", "focalPoint": "attention", "formats": ["webp"], "quality": 82},
    "moving": {"width": 120, "formats": ["webp", "gif"], "animated": True, "quality": 75},
}
MILLISECONDS = [50, 120, 300]


@pytest.fixture(scope="module")
def shop() -> Iterator[Stack]:
    """A stack with these presets that takes orders, whose every caller is an operator."""
    thumbnail = {"memoryMb": 3008, "settings": {"presets": PRESETS}}
    with deployed_stack(api={"auth": "none"}, transforms={"thumbnail": thumbnail}) as deployed:
        yield deployed


@pytest.fixture(scope="module")
def picture(shop: Stack) -> Upload:
    upload = shop.upload("uploads/photograph.jpg")
    shop.finish(upload)
    return upload


@pytest.fixture(scope="module")
def animation(shop: Stack) -> Upload:
    """A disc that moves over a transparent canvas."""
    frames = [Image.new("RGBA", (240, 160)) for _ in MILLISECONDS]
    for index, frame in enumerate(frames):
        ImageDraw.Draw(frame).ellipse((60 * index, 40, 60 * index + 80, 120), fill=(230, 20, 20, 255))
    body = io.BytesIO()
    frames[0].save(body, "GIF", save_all=True, append_images=frames[1:], duration=MILLISECONDS, loop=0, disposal=2)
    upload = shop.upload("uploads/disc.gif", body.getvalue())
    shop.finish(upload)
    return upload


def renditions(shop: Stack, upload: Upload) -> dict[str, Any]:
    asset = shop.pipeline.asset(upload.file_key)
    assert asset is not None
    return {each["name"]: each for each in asset["renditions"]}


def content(shop: Stack, upload: Upload, name: str) -> Image.Image:
    key = renditions(shop, upload)[name]["key"]
    stored = shop.cloud.client("s3").get_object(Bucket=shop.outputs["processedBucket"], Key=key)
    return Image.open(io.BytesIO(stored["Body"].read()))


def fulfilled(shop: Stack, upload: Upload, *ordered: dict[str, Any]) -> dict[str, Any]:
    callers = Callers(stack=shop)
    answer = callers.call("POST", "/orders", None, {"fileKey": upload.file_key, "renditions": list(ordered)})
    assert answer.status == 202, answer.body

    def order() -> dict[str, Any] | None:
        found = callers.call("GET", f"/orders/{answer.json['orderId']}", None).json
        return found if found["status"] == "FULFILLED" else None

    return {each["name"]: each for each in eventually(order, "the order", 60)["renditions"]}


def difference(one: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean)


def test_every_preset_is_made_in_each_of_its_formats(shop: Stack, picture: Upload) -> None:
    made = {
        name: (each["contentType"], int(each["width"]), int(each["height"]), int(each["frames"]))
        for name, each in renditions(shop, picture).items()
    }
    assert made == {
        "w320-jpeg": ("image/jpeg", 320, 213, 1),
        "w320-avif": ("image/avif", 320, 213, 1),
        "w320-png": ("image/png", 320, 213, 1),
        "square-png": ("image/png", 96, 96, 1),
        "shown-webp": ("image/webp", 96, 96, 1),
        "moving-webp": ("image/webp", 120, 80, 1),
        "moving-gif": ("image/gif", 120, 80, 1),
        "watermark": ("image/jpeg", 480, 320, 1),
    }
    exact = content(shop, picture, "w320-png")
    for name in ("w320-jpeg", "w320-avif"):
        assert content(shop, picture, name).format == name[5:].upper()
        assert difference(content(shop, picture, name), exact) < 15, name


def test_a_cover_keeps_its_focal_point_in_view(shop: Stack, picture: Upload) -> None:
    whole = Image.open(io.BytesIO(photograph())).resize((144, 96), Image.Resampling.LANCZOS)
    square = content(shop, picture, "square-png")
    assert difference(square, whole.crop((0, 0, 96, 96))) < 6 < difference(square, whole.crop((48, 0, 144, 96)))


@pytest.mark.parametrize("name", ["moving-webp", "moving-gif"])
def test_an_animation_stays_one(shop: Stack, animation: Upload, name: str) -> None:
    assert (renditions(shop, animation)[name]["frames"], renditions(shop, animation)["w320-avif"]["frames"]) == (3, 1)
    shown = content(shop, animation, name)
    found = []
    for index in range(len(MILLISECONDS)):
        shown.seek(index)
        box = shown.convert("RGBA").getchannel("A").point([0] * 128 + [255] * 128).getbbox()
        found.append((shown.info["duration"], box))
    expected = [(duration, (30 * index, 20, 30 * index + 41, 61)) for index, duration in enumerate(MILLISECONDS)]
    assert [duration for duration, _ in found] == MILLISECONDS
    for (_, box), (_, (left, top, right, bottom)) in zip(found, expected, strict=True):
        assert box == pytest.approx((left, top, right, bottom), abs=2)


def test_an_order_of_presets_reuses_what_the_pipeline_made(shop: Stack, animation: Upload) -> None:
    made = fulfilled(
        shop,
        animation,
        {"preset": "moving", "format": "gif"},
        {"preset": "square", "format": "png"},
        {"width": 60, "format": "gif"},
        {"width": 64, "height": 64, "fit": "cover", "format": "avif", "focalPoint": "attention"},
    )
    recorded = renditions(shop, animation)
    for name in ("moving-gif", "square-png"):
        assert recorded[name]["key"] in made[name]["url"]
    assert (made["moving-gif"]["animated"], made["60-gif"]["animated"]) == (True, False)
    for each in made.values():
        image = Image.open(io.BytesIO(send("GET", each["url"]).body))
        assert (Image.MIME[image.format or ""], image.size) == (each["mediaType"], (each["width"], each["height"]))
