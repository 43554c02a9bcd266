"""A watermark's text that the function cannot draw becomes an image: in every script, shaped and in reading order."""

import io

import pytest
from PIL import Image, features

from components.blocks.watermark_text import BUILT_IN_CHARACTERS, UndrawableTextError, picture_of
from functions.shared.watermark.mark import LogoMark, TextMark

needs_shaping = pytest.mark.skipif(not features.check("raqm"), reason="libfribidi is not installed")


def ink(text: str) -> Image.Image:
    """How much ink covers each pixel of a text's picture."""
    picture = picture_of(text)
    assert picture is not None, "the function draws it by itself"
    with Image.open(io.BytesIO(picture)) as image:
        return image.getchannel("A")


def test_text_that_the_function_can_draw_needs_no_image() -> None:
    text = "".join(sorted(BUILT_IN_CHARACTERS))
    assert TextMark(text).proportions > 1
    assert picture_of(text) is None
    assert picture_of("© img-pipeline") is None


@pytest.mark.parametrize(
    "text",
    [
        *("Café Łódź", "Ελλάδα", "Фото", "Հայ", "ფოტო", "ፎቶ", "写真", "사진", "しゃしん", "★ 📷 Studio", "❤️"),
        *(
            pytest.param(text, marks=needs_shaping)
            for text in ("© استوديو", "תצלום", "फ़ोटो", "ছবি", "புகைப்படம்", "ภาพถ่าย", "រូបថត", "e\u0301")
        ),
    ],
)
def test_every_script_is_drawn_and_the_function_can_use_it(text: str) -> None:
    picture = picture_of(text)
    assert picture is not None
    assert LogoMark(picture).drawn(300).getchannel("A").getextrema() == (0, 255)
    assert ink(text).size[0] <= 4000
    assert ink(text).size[1] <= 1000


def test_different_characters_look_different() -> None:
    """A font shows the same box for all that it lacks."""
    pictures = [picture_of(character) for character in "é写真사ЖΩ📷★ღ"]
    assert len(set(pictures)) == len(pictures)


def test_chinese_characters_have_the_forms_of_the_texts_language() -> None:
    alone, japanese, chinese = (column_sums(ink(text)) for text in ("直", "直の", "直的"))
    assert chinese[: len(alone) - 2] == alone[:-2]
    assert japanese[: len(alone) - 2] != alone[:-2]


@needs_shaping
def test_arabic_letters_are_joined() -> None:
    assert ink("ببب").width < 0.8 * 3 * ink("ب").width


def column_sums(image: Image.Image) -> list[int]:
    """How much ink each column has; cropping above and below changes nothing."""
    pixels = image.tobytes()
    return [sum(pixels[column :: image.width]) for column in range(image.width)]


def begins_with(text: str, glyph: str) -> bool:
    """Whether a glyph stands at the left end of a text's picture."""
    expected, found = column_sums(ink(glyph)), column_sums(ink(text))
    differences = (abs(one - other) for one, other in zip(expected, found, strict=False))
    return sum(differences) < 0.25 * sum(expected)


@needs_shaping
@pytest.mark.parametrize(
    ("text", "leftmost"),
    [
        ("é א", "é"),  # the first letter's direction is the text's
        ("א é", "é"),
        ("é א ñ", "é"),
        ("א é ñ ב", "ב"),
        ("א é ñ", "é"),
        ("® א", "א"),  # what has no direction has that of its neighbours
        ("א ® é", "é"),
        ("é א ® ב", "é"),
        ("צילום é", "é"),
    ],
)
def test_right_to_left_text_is_in_reading_order(text: str, leftmost: str) -> None:
    others = {"é", "ñ", "א", "ב", "®"} - {leftmost}
    assert begins_with(text, leftmost)
    assert not any(begins_with(text, other) for other in others)


def test_a_machine_without_the_shaping_library_refuses_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)
    picture_of.cache_clear()
    assert picture_of("写真") is not None
    for text in ("صورة", "ภาพ", "e\u0301"):
        with pytest.raises(UndrawableTextError, match="libfribidi"):
            picture_of(text)
