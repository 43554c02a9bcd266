"""Handlers with the environment that the stack gives them, in front of an AWS in memory."""

from __future__ import annotations

import functools
import importlib
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.session import Session

from functions.shared import aws, runtime
from functions.shared.formats import FORMATS
from tests.unit.fake_aws import FakeDynamoDB, FakeS3

PRESETS = {f"w{width}": {"width": width, "formats": ["jpeg", "webp"], "quality": 82} for width in (160, 320, 640, 1280)}


def image_limits(**changes: object) -> str:
    """What validate accepts of images, as its variable MEDIA."""
    return json.dumps({"image": {"accepted": list(FORMATS), "maxPixels": 2_000_000, "maxFrames": 20, **changes}})


ENVIRONMENT = {
    "POWERTOOLS_METRICS_NAMESPACE": "img-pipeline/test",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "MAX_BYTES": "2000000",
    "MEDIA": image_limits(),
    "DENYLIST_TABLE": "denylist",
    "PROCESSED_BUCKET": "processed",
    # Of both transforms that have any: each reads its own.
    "SETTINGS": json.dumps(
        {"presets": PRESETS, "text": "© img-pipeline", "opacity": 0.6, "position": "bottom-right", "logoPath": ""}
    ),
}

_NUMBERS = itertools.count()


@dataclass
class Cloud:
    """The functions and what they reach."""

    s3: FakeS3 = field(default_factory=FakeS3)
    dynamodb: FakeDynamoDB = field(default_factory=FakeDynamoDB)

    def file(self, key: str, body: bytes, content_type: str = "") -> dict[str, Any]:
        """Upload, and return the workflow's `file` for it."""
        self.s3.add(key, body, content_type)
        return file_payload(key, len(body))

    def validate(self, key: str, body: bytes, content_type: str = "") -> dict[str, Any]:
        """Upload and judge."""
        return self.invoke("validate", self.file(key, body, content_type))

    def transform(self, name: str, key: str, body: bytes, content_type: str = "") -> dict[str, Any]:
        """Upload, judge, and transform what was accepted."""
        verdict = self.validate(key, body, content_type)
        assert verdict["accepted"], verdict
        return self.invoke(name, {"file": file_payload(key, len(body)), "media": verdict})

    def outputs(self) -> dict[str, bytes]:
        """What lies in the processed bucket, by key."""
        return {key: stored.body for (bucket, key, _), stored in self.s3.objects.items() if bucket == "processed"}

    @staticmethod
    def forget() -> None:
        """Drop what an execution environment keeps between invocations: the next one is cold."""
        aws.client.cache_clear()
        runtime._logger.cache_clear()
        runtime._metrics.cache_clear()
        runtime._Environment.cold = True
        for name in ("validate", "thumbnail", "watermark", "metadata"):
            for value in vars(importlib.import_module(f"functions.{name}.handler")).values():
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()

    @staticmethod
    def invoke(function: str, event: dict[str, Any]) -> dict[str, Any]:
        """Call a function as Lambda does: JSON in, JSON out."""
        handler: Callable[..., Any] = importlib.import_module(f"functions.{function}.handler").handler
        return json.loads(json.dumps(handler(json.loads(json.dumps(event)), None), allow_nan=False))


def file_payload(key: str, size: int) -> dict[str, Any]:
    """The workflow's `file`."""
    return {"bucket": "ingest", "fileKey": key, "versionId": "v1", "bytes": size, "executionName": "execution-1"}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A fresh environment: nothing cached, nothing stored, cold."""
    made = Cloud()
    # A logger belongs to its service's name and keeps the stream it was made with.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"unit-{next(_NUMBERS)}")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    clients = {"s3": made.s3, "dynamodb": made.dynamodb}
    monkeypatch.setattr(Session, "create_client", lambda _session, service, **_: clients[service])
    made.forget()
    yield made
    made.forget()
