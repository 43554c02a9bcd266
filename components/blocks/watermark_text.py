"""Draws a watermark's text, in any script of the Noto fonts, as the image that the watermark function overlays.

It is drawn once, at deployment: the fonts take 40 MB, too much for a cold start, and Arabic, Hebrew and the scripts of
India need a shaping library that Pillow in Lambda does not include.
"""

from __future__ import annotations

import functools
import importlib.resources
import io
import itertools
import operator
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont, features

BUILT_IN_CHARACTERS = frozenset({*map(chr, range(0x20, 0x7F)), "©", "™"})
"""The characters that the function draws with the font included in Pillow, at any size."""

_FONT_SIZE = 400
_LARGEST_PICTURE = (4000, 1000)
"""Width and height; the mark is a quarter of an image's width, so it is scaled down on images up to 16,000 wide."""

_REGULAR_WEIGHT = 400
_NO_CHARACTER = "\uffff"
_HANGUL, _KANA = "HANGUL", ("HIRAGANA", "KATAKANA")
_VARIATION_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))

_SIMPLE_SCRIPTS = ("NotoSans", "NotoSansArmenian", "NotoSansGeorgian", "NotoSansEthiopic")
_SHAPED_SCRIPTS = tuple(
    f"NotoSans{script}"
    for script in (
        *("Arabic", "Hebrew", "Devanagari", "Bengali", "Gujarati", "Gurmukhi", "Kannada", "Malayalam", "Oriya"),
        *("Sinhala", "Tamil", "Telugu", "Thai", "Lao", "Khmer", "Myanmar"),
    )
)
_CJK_FACES = {"japanese": 0, "korean": 1, "simplified Chinese": 2}


class UndrawableTextError(Exception):
    """A text cannot be drawn.

    Args:
        problem: the reason, with the character.
    """


@dataclass(frozen=True)
class Font:
    """A font.

    Args:
        face: the font at `_FONT_SIZE`.
        is_shaped: whether its script is illegible without a shaping library.
    """

    face: ImageFont.FreeTypeFont
    is_shaped: bool

    def has(self, character: str) -> bool:
        """Whether it has a glyph for a character, or the character needs none."""
        if unicodedata.category(character) in {"Cf", "Zs"} or character in _VARIATION_SELECTORS:
            return True
        return _ink(self.face, character) != _ink(self.face, _NO_CHARACTER)


class _Run(NamedTuple):
    """Consecutive characters of one font and one direction."""

    font: Font
    is_right_to_left: bool
    text: str


@functools.cache
def picture_of(text: str) -> bytes | None:
    """A PNG of the text, white on transparent, cropped to its ink; None if the function can draw it.

    Raises:
        UndrawableTextError: no font has one of the characters, or no character is visible.
    """
    if text.strip() and BUILT_IN_CHARACTERS.issuperset(text):
        return None
    strip = _strip(_runs(text))
    box = strip.getbbox()
    if box is None:
        raise UndrawableTextError("it has no visible character")
    ink = strip.crop(box)
    ink.thumbnail(_LARGEST_PICTURE, Image.Resampling.LANCZOS)
    body = io.BytesIO()
    Image.merge("LA", (Image.new("L", ink.size, 255), ink)).save(body, "PNG", optimize=True)
    return body.getvalue()


def _runs(text: str) -> list[_Run]:
    """The text split where font or direction changes, in display order from left to right."""
    directions = _directions(text)
    characters = zip(_chosen_fonts(text), directions, text, strict=True)
    runs = [
        _Run(font, direction, "".join(character for *_, character in group))
        for (font, direction), group in itertools.groupby(characters, key=operator.itemgetter(0, 1))
    ]
    groups = [list(group) for _, group in itertools.groupby(runs, key=operator.attrgetter("is_right_to_left"))]
    in_order = reversed(groups) if _first_direction(text) else groups
    return [run for group in in_order for run in (reversed(group) if group[0].is_right_to_left else group)]


def _chosen_fonts(text: str) -> list[Font]:
    """A font for each character: that of the previous character if it has this one, except for spaces."""
    fonts = _fonts(text)
    chosen: list[Font] = []
    for character in text:
        preferred = [*chosen[-1:], *fonts] if not character.isspace() else fonts
        is_control = unicodedata.category(character) in {"Cc", "Cs"}
        font = None if is_control else next((font for font in preferred if font.has(character)), None)
        named = f"{character!r} (U+{ord(character):04X}, {unicodedata.name(character, 'without a name')})"
        if font is None:
            raise UndrawableTextError(f"no font has {named}")
        if (font.is_shaped or unicodedata.combining(character)) and not features.check("raqm"):
            raise UndrawableTextError(f"{named} needs the library libfribidi on the machine that deploys the stack")
        chosen.append(font)
    return chosen


def _directions(text: str) -> list[bool]:
    """For each character, whether it is displayed from right to left.

    A character without a direction has that of its neighbours if they agree, else that of the text (Unicode Standard
    Annex 9, rules N1 and N2; the shaping library reverses numbers within their run).
    """
    base = _first_direction(text)
    directions: list[bool] = []
    for index, character in enumerate(text):
        before = directions[-1] if directions else base
        after = _first_direction(text[index:], default=base)
        own = _strong_direction(character)
        directions.append(own if own is not None else before if before == after else base)
    return directions


def _first_direction(text: str, default: bool = False) -> bool:
    """Whether the first letter that has a direction runs from right to left."""
    strong = (_strong_direction(character) for character in text)
    return next((direction for direction in strong if direction is not None), default)


def _strong_direction(character: str) -> bool | None:
    return {"L": False, "R": True, "AL": True}.get(unicodedata.bidirectional(character))


def _strip(runs: Sequence[_Run]) -> Image.Image:
    """The runs side by side on one baseline, as an alpha mask in mode L."""
    can_shape = features.check("raqm")
    directions = [("rtl" if run.is_right_to_left else "ltr") if can_shape else None for run in runs]
    widths = [run.font.face.getlength(run.text, direction=way) for run, way in zip(runs, directions, strict=True)]
    strip = Image.new("L", (round(sum(widths)) + 2 * _FONT_SIZE, 4 * _FONT_SIZE))
    draw, left = ImageDraw.Draw(strip), float(_FONT_SIZE)
    for run, way, width in zip(runs, directions, widths, strict=True):
        draw.text((left, 2 * _FONT_SIZE), run.text, font=run.font.face, fill=255, anchor="ls", direction=way)
        left += width
    return strip


def _fonts(text: str) -> list[Font]:
    """The fonts to try, in order; the other letters decide whether Chinese characters have Japanese or Korean forms."""
    names = " ".join(unicodedata.name(character, "") for character in text)
    language = "simplified Chinese"
    if _HANGUL in names:
        language = "korean"
    if any(kana in names for kana in _KANA):
        language = "japanese"
    fonts = [_font("manimgx_fonts", f"{name}[wght].ttf") for name in _SIMPLE_SCRIPTS]
    fonts += [_font("manimgx_fonts", f"{name}[wght].ttf", is_shaped=True) for name in _SHAPED_SCRIPTS]
    fonts += [_font("manimgx_fonts_cjk", "NotoSansCJK-VF.otf.ttc", face_index=_CJK_FACES[language])]
    return fonts + [_font("manimgx_fonts", f"{name}[wght].ttf") for name in ("NotoSansSymbols", "NotoEmoji")]


@functools.cache
def _font(package: str, name: str, *, face_index: int = 0, is_shaped: bool = False) -> Font:
    with importlib.resources.as_file(importlib.resources.files(package) / name) as path:
        face = ImageFont.truetype(path, _FONT_SIZE, face_index)
    face.set_variation_by_axes([_REGULAR_WEIGHT])
    return Font(face, is_shaped)


@functools.cache
def _ink(face: ImageFont.FreeTypeFont, character: str) -> bytes:
    """What a character looks like."""
    left, top, right, bottom = face.getbbox(character)
    ink = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
    ImageDraw.Draw(ink).text((-left, -top), character, font=face, fill=255)
    return b"%d " % ink.width + ink.tobytes()
