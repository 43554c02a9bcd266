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
    assert "orders" not in limits


def test_what_may_be_ordered_is_known_beforehand(api: Api) -> None:
    square = {"width": 400, "height": 400, "fit": "cover", "formats": ["webp"]}
    api.configure(order_presets={"w320": {"width": 320, "formats": ["jpeg"]}, "square": square}, orders_watermarks=True)
    orders = api.call("GET", "/limits").json["orders"]
    assert orders["presets"] == [
        {"name": "w320", "width": 320, "fit": "inside"},
        {"name": "square", "width": 400, "height": 400, "fit": "cover"},
    ]
    assert (orders["watermark"], orders["maxRenditions"], orders["formats"][0]) == (True, 10, "jpeg")


def test_the_health_needs_neither_caller_nor_table(api: Api) -> None:
    api.monkeypatch.delenv("JOBS_TABLE")
    answer = api.call("GET", "/health", sub="")
    assert (answer.status, answer.json) == (200, {"status": "ok"})
