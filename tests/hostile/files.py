"""Processes a file as the workflow does, by the functions' handlers, and checks what they answer."""

from __future__ import annotations

import functools
import io
import json
import os
from typing import Any

from botocore.session import Session
from PIL import Image

from contract.media import MEDIA_TYPES
from functions.shared.formats import FORMATS
from functions.shared.reasons import ReasonCode
from tests.hostile.limits import (
    LARGEST_WIDTH,
    LIMITS,
    MAX_BYTES,
    MAX_COLUMNS,
    MAX_FRAMES,
    MAX_PIXELS,
    MAX_ROWS,
    MAX_TABLE_BYTES,
)
from tests.hostile.steps import Verdict, step
from tests.hostile.tables import COLUMNS, PINNED_PREFIX
from tests.unit.conftest import ENVIRONMENT, TABLE_TYPES, Cloud, file_payload

_TRANSFORMS = {"image": ("thumbnail", "watermark", "metadata"), "table": ("table",)}
# Every row that does not fit is quarantined rather than a reason to reject the table, so that rows can be counted.
_SETTINGS = {
    **json.loads(ENVIRONMENT["SETTINGS"]),
    "presets": {
        f"w{width}": {"width": width, "formats": ["jpeg", "webp"], "quality": 82} for width in (160, LARGEST_WIDTH)
    },
    "toleratedPercent": 100,
    "schemas": {PINNED_PREFIX: {"columns": COLUMNS, "toleratedPercent": 100}},
}
_MEDIA = {
    "image": {"accepted": list(FORMATS), "maxPixels": MAX_PIXELS, "maxFrames": MAX_FRAMES},
    "table": {
        "accepted": TABLE_TYPES,
        "maxBytes": MAX_TABLE_BYTES,
        "maxRows": MAX_ROWS,
        "maxColumns": MAX_COLUMNS,
        "minColumns": 2,
    },
}


@functools.cache
def _cloud() -> Cloud:
    """The functions before services in memory."""
    made = Cloud()
    clients: dict[str, Any] = {"s3": made.s3, "dynamodb": made.dynamodb}
    os.environ.update(ENVIRONMENT)
    os.environ.update(
        SETTINGS=json.dumps(_SETTINGS),
        MEDIA=json.dumps(_MEDIA),
        MAX_BYTES=str(MAX_BYTES),
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE=str(LIMITS["table"].memory_mb),
        POWERTOOLS_SERVICE_NAME="hostile",
    )
    Session.create_client = lambda _session, service, **_: clients[service]  # pyright: ignore
    made.reset()
    return made


def process(name: str, body: bytes, rows: int | None) -> Verdict:
    """Validate a file and, if it is accepted, run every transform of its type.

    Args:
        name: of the file.
        body: its bytes.
        rows: the table's rows; None where that is not known.

    Raises:
        AssertionError: an answer is not complete, or rows were lost.
        Exception: whatever a function raised.
    """
    cloud, key = _cloud(), f"uploads/{name}"
    cloud.s3.objects.clear()
    cloud.s3.add(key, body)
    event = file_payload(key, len(body))
    with step("validate"):
        found = cloud.invoke("validate", event)
    if not found["accepted"]:
        return _rejected(found)
    answers = {}
    for transform in _TRANSFORMS[MEDIA_TYPES[found["mediaType"]].family]:
        with step(transform):
            answers[transform] = cloud.invoke(transform, {"file": event, "media": found})
        if rejection := answers[transform].get("rejection"):
            return _rejected(rejection)
    if "table" in answers:
        return _table_verdict(answers["table"]["record"], rows)
    _check_pictures(cloud, found["measures"], answers)
    return Verdict(kind="accepted")


def _rejected(answer: dict[str, Any]) -> Verdict:
    assert answer["reason"], answer
    assert answer["hint"], answer
    return Verdict(kind="rejected", code=ReasonCode(answer["reasonCode"]))


def _table_verdict(record: dict[str, Any], rows: int | None) -> Verdict:
    good, quarantined = record["rowCount"], record["quarantined"]
    assert rows in (None, good + quarantined), f"of {rows} rows {good} are good and {quarantined} quarantined"
    return Verdict(kind="quarantined" if quarantined else "accepted")


def _check_pictures(cloud: Cloud, measures: dict[str, int], answers: dict[str, dict[str, Any]]) -> None:
    assert all(measure > 0 for measure in measures.values()), measures
    outputs = cloud.outputs()
    for transform in ("thumbnail", "watermark"):
        assert answers[transform]["renditions"]
        for rendition in answers[transform]["renditions"]:
            with Image.open(io.BytesIO(outputs[rendition["key"]])) as image:
                image.load()
                assert image.size == (rendition["width"], rendition["height"])
    (marked,) = answers["watermark"]["renditions"]
    assert (marked["width"], marked["height"]) == (measures["width"], measures["height"])
    assert answers["metadata"]["metadata"]
    assert "null" not in json.dumps(answers["metadata"])
