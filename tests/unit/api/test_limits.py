"""What a client can know before it asks."""

from __future__ import annotations

from tests.unit.api.conftest import CONFIGURATION, Api


def test_the_limits_are_the_stacks(api: Api) -> None:
    limits = api.call("GET", "/limits").json
    assert limits["maxBytes"] == CONFIGURATION.max_bytes
    assert [each["name"] for each in limits["mediaTypes"]] == ["image/jpeg", "image/png", "image/webp"]
    assert ".jpg" in limits["mediaTypes"][0]["extensions"]
    assert limits["mediaTypes"][0]["maxBytes"] == CONFIGURATION.max_bytes
    assert limits["media"] == {"image": {"maxPixels": 2_000_000}}
    assert limits["dailyUploads"] == CONFIGURATION.daily_uploads_per_caller


def test_the_health_needs_neither_caller_nor_table(api: Api) -> None:
    api.monkeypatch.delenv("JOBS_TABLE")
    answer = api.call("GET", "/health", sub="")
    assert (answer.status, answer.json) == (200, {"status": "ok"})
