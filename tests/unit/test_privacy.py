"""Renditions contain only the source's pixels: no position, camera, comment or profile."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from functions.shared.formats import FORMATS, Format
from functions.shared.sample import from_text
from tests.unit.conftest import Cloud
from tests.unit.pictures import CANARY, gradient, with_secrets

MARKERS = [
    *(CANARY.encode(), CANARY.encode("utf-16-le"), b"Pipeline Optics"),
    *(b"Exif", b"EXIF", b"eXIf", b"GPS", b"xmp", b"XMP", b"ICC", b"iCCP", b"tEXt"),
]


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda format: format.pillow)
def test_renditions_contain_no_metadata(cloud: Cloud, format: Format) -> None:
    body = with_secrets(gradient((700, 400)), format)
    assert CANARY.encode() in body
    for transform in ("thumbnail", "watermark"):
        cloud.transform(transform, f"uploads/secret{format.extension}", body)
    outputs = cloud.outputs()
    assert len(outputs) == 9
    sample = from_text(cloud.validate(f"uploads/secret{format.extension}", body)["sample"])
    assert sample.info == {}
    for key, output in outputs.items():
        assert [marker for marker in MARKERS if marker in output] == [], key
        with Image.open(io.BytesIO(output)) as image:
            image.load()
            assert dict(image.getexif()) == {}
            assert {"exif", "xmp", "icc_profile", "comment", "photoshop"} & set(image.info) == set()


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda format: format.pillow)
def test_neither_payloads_nor_logs_contain_the_position(
    cloud: Cloud, format: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    body = with_secrets(gradient(), format)
    answers = [
        cloud.transform(transform, f"uploads/secret{format.extension}", body)
        for transform in ("thumbnail", "watermark", "metadata")
    ]
    assert CANARY not in json.dumps(answers) + capsys.readouterr().out
