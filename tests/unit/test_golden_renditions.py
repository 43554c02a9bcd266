"""What renditions look like, as hashes that encoders and their versions do not change, but another picture does."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from contract.renditions import RENDITION_FORMATS, RenditionSpec
from functions.shared.formats import JPEG
from functions.shared.rendering import render
from functions.shared.watermark.mark import TextMark
from functions.shared.watermark.settings import Position
from functions.watermark.stamping import watermark
from testing.pictures import photograph

MAX_PIXELS = 1 << 20
# Bits of 64 that may differ. Pictures that have nothing to do with each other differ in about 32.
TOLERATED = 3
WHOLE = "6674b5b13160644e"
GOLDEN = {
    "center": "e7e6363270e2c2cf",
    "1.0,0.5": "9c98998983820a3c",
    "attention": "383ccc4c1c383031",
}
# The box of the watermark, and what it looks like.
MARK, MARKED = (354, 295, 472, 314), "5252aaaaaaaaaac9"


def dhash(body: bytes, box: tuple[int, int, int, int] | None = None) -> str:
    """Whether each of 8 by 8 parts of the picture is darker than its right neighbour, as 16 hexadecimal digits."""
    reduced = Image.open(io.BytesIO(body)).convert("L").resize((9, 8), Image.Resampling.BOX, box=box)
    rows = [reduced.crop((0, row, 9, row + 1)).tobytes() for row in range(8)]
    bits = "".join(str(int(row[index] < row[index + 1])) for row in rows for index in range(8))
    return f"{int(bits, 2):016x}"


def distance(one: str, other: str) -> int:
    """The number of bits in which two hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def rendition(spec: RenditionSpec) -> bytes:
    """A rendition of the photograph."""
    return render(io.BytesIO(photograph()), JPEG, spec, max_pixels=MAX_PIXELS).body


@pytest.mark.parametrize("format", RENDITION_FORMATS)
@pytest.mark.parametrize("width", [160, 320])
def test_every_format_and_size_shows_the_picture(format: str, width: int) -> None:
    made = rendition(RenditionSpec.from_json({"format": format, "width": width, "quality": 60}))
    assert distance(dhash(made), WHOLE) <= TOLERATED


@pytest.mark.parametrize("focal_point", GOLDEN)
def test_a_crop_shows_the_same_part_of_the_picture(focal_point: str) -> None:
    made = rendition(RenditionSpec(format="png", width=160, height=160, fit="cover", focal_point=focal_point))
    assert distance(dhash(made), GOLDEN[focal_point]) <= TOLERATED


def test_a_watermark_changes_only_its_corner() -> None:
    original = photograph()
    made = watermark(
        io.BytesIO(original),
        JPEG,
        TextMark("© img-pipeline"),
        opacity=0.9,
        position=Position.BOTTOM_RIGHT,
        max_pixels=MAX_PIXELS,
    )
    assert isinstance(made.body, bytes)
    assert distance(dhash(made.body, (0, 0, 480, 280)), dhash(original, (0, 0, 480, 280))) <= TOLERATED
    assert distance(dhash(made.body, MARK), MARKED) <= TOLERATED < distance(dhash(original, MARK), MARKED)


def test_the_hashes_tell_parts_of_the_picture_and_other_pictures_apart() -> None:
    others = [dhash(photograph(seed)) for seed in (2, 3)]
    hashes = [WHOLE, *GOLDEN.values(), *others]
    assert min(distance(one, other) for one in hashes for other in hashes if one != other) > 3 * TOLERATED
    assert len(set(hashes)) == len(hashes)
