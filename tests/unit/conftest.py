"""Handlers with the environment variables of a deployed stack, and AWS clients in memory."""

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
    """The value of validate's variable MEDIA for images."""
    return json.dumps({"image": {"accepted": list(FORMATS), "maxPixels": 2_000_000, "maxFrames": 20, **changes}})


TABLE_TYPES = ["text/csv", "text/tab-separated-values", "application/x-ndjson"]


def table_limits(**changes: object) -> str:
    """The value of validate's variable MEDIA for tables."""
    limits = {"maxBytes": 1_000_000, "maxRows": 1000, "maxColumns": 20, "minColumns": 2}
    return json.dumps({"table": {"accepted": TABLE_TYPES, **limits, **changes}})


ENVIRONMENT = {
    "POWERTOOLS_METRICS_NAMESPACE": "img-pipeline/test",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "MAX_BYTES": "2000000",
    "MEDIA": image_limits(),
    "DENYLIST_TABLE": "denylist",
    "PROCESSED_BUCKET": "processed",
    # Settings of all transforms; each reads its own.
    "SETTINGS": json.dumps(
        {"presets": PRESETS, "text": "© img-pipeline", "opacity": 0.6, "position": "bottom-right", "logoPath": ""}
        | {"toleratedPercent": 5, "formulas": "flag", "schemas": {}}
    ),
}

_NUMBERS = itertools.count()


@dataclass
class Cloud:
    """The functions and the services that they call."""

    s3: FakeS3 = field(default_factory=FakeS3)
    dynamodb: FakeDynamoDB = field(default_factory=FakeDynamoDB)

    def file(self, key: str, body: bytes, content_type: str = "") -> dict[str, Any]:
        """Upload a file, and return the workflow's `file` for it."""
        self.s3.add(key, body, content_type)
        return file_payload(key, len(body))

    def validate(self, key: str, body: bytes, content_type: str = "") -> dict[str, Any]:
        """Upload and validate a file."""
        return self.invoke("validate", self.file(key, body, content_type))

    def transform(self, name: str, key: str, body: bytes, content_type: str = "") -> dict[str, Any]:
        """Upload, validate and transform a file that is accepted."""
        verdict = self.validate(key, body, content_type)
        assert verdict["accepted"], verdict
        return self.invoke(name, {"file": file_payload(key, len(body)), "media": verdict})

    def outputs(self) -> dict[str, bytes]:
        """The objects in the processed bucket, by key."""
        return {key: stored.body for (bucket, key, _), stored in self.s3.objects.items() if bucket == "processed"}

    @staticmethod
    def reset() -> None:
        """Clear what an execution environment keeps between invocations: the next one is a cold start."""
        aws.client.cache_clear()
        runtime.logger.cache_clear()
        runtime._metrics.cache_clear()
        runtime._Environment.cold = True
        for name in ("validate", "thumbnail", "watermark", "metadata", "table"):
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
    return {
        "jobId": "job-1",
        "bucket": "ingest",
        "fileKey": key,
        "versionId": "v1",
        "bytes": size,
        "executionName": "execution-1",
    }


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A new execution environment without cached or stored data."""
    made = Cloud()
    # Loggers are cached by service name, and keep their first output stream.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"unit-{next(_NUMBERS)}")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    clients = {"s3": made.s3, "dynamodb": made.dynamodb}
    monkeypatch.setattr(Session, "create_client", lambda _session, service, **_: clients[service])
    made.reset()
    yield made
    made.reset()
