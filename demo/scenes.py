"""Photo-like pictures drawn from a seed, so that the samples are ours and need no download."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours of a landscape, far to near."""

    sky: tuple[Colour, Colour]
    sun: Colour
    ridges: tuple[Colour, ...]


DAWN = Palette(
    sky=((38, 54, 104), (250, 178, 128)),
    sun=(255, 236, 200),
    ridges=((126, 110, 142), (84, 82, 118), (48, 56, 84), (24, 32, 50)),
)
NOON = Palette(
    sky=((58, 120, 198), (206, 228, 244)),
    sun=(255, 255, 240),
    ridges=((142, 168, 178), (96, 140, 110), (64, 116, 62), (38, 82, 38)),
)
DUSK = Palette(
    sky=((72, 34, 92), (244, 122, 84)),
    sun=(255, 214, 150),
    ridges=((170, 92, 96), (208, 136, 84), (176, 102, 62), (112, 60, 44)),
)
NIGHT = Palette(
    sky=((6, 10, 28), (38, 48, 88)),
    sun=(226, 230, 240),
    ridges=((30, 36, 64), (20, 26, 48), (14, 18, 36), (8, 10, 22)),
)


def landscape(size: tuple[int, int], palette: Palette, seed: int) -> Image.Image:
    """Sky, sun, ridges one behind the other, haze and film grain, as an RGB image of `size` pixels."""
    width, height = size
    chance = random.Random(seed)  # noqa: S311 - a picture, not a secret
    picture = _sky(size, palette)
    sun = (int(width * chance.uniform(0.25, 0.75)), int(height * chance.uniform(0.25, 0.42)))
    picture = ImageChops.screen(picture, _glow(size, sun, palette.sun))
    for depth, colour in enumerate(palette.ridges):
        horizon = height * (0.5 + 0.13 * depth)
        outline = _ridge(width, horizon, height * (0.16 - 0.025 * depth), chance)
        layer = Image.new("L", size, 0)
        ImageDraw.Draw(layer).polygon([(0, height), *outline, (width, height)], fill=255)
        picture.paste(Image.new("RGB", size, colour), mask=layer.filter(ImageFilter.GaussianBlur(1.2)))
    return _grain(picture, seed)


def city(size: tuple[int, int], seed: int) -> Image.Image:
    """Towers with lit windows before a night sky, as an RGB image of `size` pixels."""
    width, height = size
    chance = random.Random(seed)  # noqa: S311 - a picture, not a secret
    picture = _sky(size, NIGHT)
    draw = ImageDraw.Draw(picture)
    left = 0
    while left < width:
        tower = chance.randint(width // 24, width // 10)
        top = int(height * chance.uniform(0.25, 0.7))
        shade = chance.randint(16, 44)
        draw.rectangle((left, top, left + tower, height), fill=(shade, shade, shade + 14))
        pane = max(3, width // 200)
        for x in range(left + pane, left + tower - pane, pane * 3):
            for y in range(top + pane, height, pane * 4):
                if chance.random() < 0.45:
                    draw.rectangle((x, y, x + pane, y + pane * 2), fill=(255, chance.randint(180, 230), 120))
        left += tower + width // 160
    return _grain(picture, seed)


def emblem(size: tuple[int, int]) -> Image.Image:
    """A soft-edged disc on nothing: an RGBA image of `size` pixels for what needs transparency."""
    width, height = size
    disc = Image.new("L", size, 0)
    ImageDraw.Draw(disc).ellipse((width * 0.12, height * 0.12, width * 0.88, height * 0.88), fill=255)
    picture = landscape(size, DUSK, seed=7).convert("RGBA")
    picture.putalpha(disc.filter(ImageFilter.GaussianBlur(width / 60)))
    return picture


def pulse(size: tuple[int, int], frames: int) -> list[Image.Image]:
    """A lighthouse beam going round: `frames` RGB images of `size` pixels."""
    width, height = size
    scene = landscape(size, NIGHT, seed=11)
    centre = (width * 0.5, height * 0.45)
    pictures = []
    for number in range(frames):
        angle = 2 * math.pi * number / frames
        beam = Image.new("RGB", size)
        ends = [
            (centre[0] + width * math.cos(angle + spread), centre[1] + width * math.sin(angle + spread))
            for spread in (-0.12, 0.12)
        ]
        ImageDraw.Draw(beam).polygon([centre, *ends], fill=(150, 140, 90))
        pictures.append(ImageChops.screen(scene, beam.filter(ImageFilter.GaussianBlur(width / 50))))
    return pictures


def _sky(size: tuple[int, int], palette: Palette) -> Image.Image:
    top, bottom = palette.sky
    mask = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), mask)


def _glow(size: tuple[int, int], centre: tuple[int, int], colour: Colour) -> Image.Image:
    width = size[0]
    light = Image.new("RGB", size)
    draw = ImageDraw.Draw(light)
    for radius, strength in ((width // 6, 0.25), (width // 14, 0.5), (width // 26, 1.0)):
        box = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
        draw.ellipse(box, fill=(int(colour[0] * strength), int(colour[1] * strength), int(colour[2] * strength)))
    return light.filter(ImageFilter.GaussianBlur(width / 34))


def _ridge(width: int, horizon: float, roughness: float, chance: random.Random) -> list[tuple[float, float]]:
    """A mountain's outline by midpoint displacement."""
    heights = [chance.uniform(-1, 1), chance.uniform(-1, 1)]
    step = 1.0
    while len(heights) < 200:
        step /= 1.9
        middle = [(a + b) / 2 + chance.uniform(-step, step) for a, b in pairwise(heights)]
        heights = [height for pair in zip(heights, middle, strict=False) for height in pair] + heights[-1:]
    last = len(heights) - 1
    return [(width * number / last, horizon + height * roughness) for number, height in enumerate(heights)]


def _grain(picture: Image.Image, seed: int) -> Image.Image:
    noise = Image.frombytes("L", (256, 256), random.Random(seed).randbytes(256 * 256))  # noqa: S311
    tile = Image.new("L", picture.size)
    for x in range(0, picture.width, 256):
        for y in range(0, picture.height, 256):
            tile.paste(noise, (x, y))
    return Image.blend(picture, tile.convert("RGB"), 0.035)
