"""A file is validated whatever its key is, and its renditions' keys contain that unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.shared.formats import FORMATS, JPEG
from functions.shared.source import FileVersion
from functions.validate.limits import Limits
from functions.validate.verdict import validate
from tests.unit.conftest import Cloud
from tests.unit.fake_aws import FakeS3
from tests.unit.pictures import file_of, gradient

LIMITS = Limits(
    max_bytes=1 << 20,
    allowed_types=tuple(FORMATS),
    families={"image": {"maxPixels": 1 << 20, "maxFrames": 30}},
)
PICTURE = file_of(gradient((48, 32)), JPEG)


@given(st.text(min_size=1, max_size=300).map(lambda name: f"uploads/{name}"))
@settings(max_examples=200)
def test_any_key_is_validated(key: str) -> None:
    s3 = FakeS3()
    s3.add(key, PICTURE)
    version = FileVersion(bucket="ingest", file_key=key, version_id="v1", bytes=len(PICTURE))
    outcome = validate(s3, version, LIMITS, lambda _: None).outcome
    too_long = len(key.encode("utf-8", "surrogatepass")) > 900
    assert (outcome == "KEY_TOO_LONG") == too_long


@pytest.mark.parametrize(
    "name",
    [
        "with space.jpg",
        "a+b=c&d.jpg",
        "100%.jpg",
        "Ærøskøbing.jpg",
        "日本 写真.jpg",
        "📷.jpg",
        'quote"d.jpg',
        "new\nline.jpg",
        "../../up.jpg",
        "a//b.jpg",
        "." * 50 + ".jpg",
        "x" * 880 + ".jpg",
    ],
)
def test_renditions_keys_contain_the_uploads_key_unchanged(cloud: Cloud, name: str) -> None:
    answer = cloud.transform("thumbnail", f"uploads/{name}", file_of(gradient(), JPEG))
    for rendition in answer["renditions"]:
        assert rendition["key"].startswith(f"processed/uploads/{name}/v1/w")
        assert len(rendition["key"].encode()) <= 1024
    assert {rendition["key"] for rendition in answer["renditions"]} == set(cloud.outputs())
