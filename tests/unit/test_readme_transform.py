"""The handler that README shows does what README says."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from PIL import Image

from functions.shared.formats import JPEG
from testing.readme import readme_block
from tests.unit.conftest import Cloud
from tests.unit.pictures import file_of, gradient


def test_the_handler_in_readme_stores_a_grey_picture(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTINGS", json.dumps({"quality": 70}))
    module: dict[str, Any] = {}
    exec(readme_block("python"), module)  # noqa: S102 - our own documentation
    body = file_of(gradient(), JPEG)
    media = cloud.validate("uploads/a.jpg", body)
    (rendition,) = module["handler"]({"file": cloud.file("uploads/a.jpg", body), "media": media}, None)["renditions"]
    with Image.open(io.BytesIO(cloud.outputs()[rendition["key"]])) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "L", (rendition["width"], rendition["height"]))
