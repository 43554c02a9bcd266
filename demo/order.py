"""An order of further renditions of one of the demo's files, from the request to the signed addresses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from client.api import ApiClient
from client.pipeline import Pipeline
from demo.outcome import Outcome

_RENDITIONS = [
    {"preset": "w320", "format": "avif"},
    {"width": 240, "height": 240, "fit": "cover", "format": "webp", "watermark": True},
]
_TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.5


def place_order(outcomes: Sequence[Outcome], pipeline: Pipeline) -> str:
    """Order renditions of the first image that was completed, and wait for them; the result in one line."""
    images = [
        each for each in outcomes if each.kind == "completed" and (each.row or {})["mediaType"].startswith("image/")
    ]
    if not images:
        return "order: no image was completed"
    api = ApiClient(pipeline.outputs.api_url)
    body = {"fileKey": images[0].upload.file_key, "renditions": _RENDITIONS}
    order_id = api.call("POST", "/orders", body).json["orderId"]
    order = _ended(api, order_id)
    made = ", ".join(f"{each['name']} {each['width']}x{each['height']}" for each in order.get("renditions", ()))
    return f"order of {images[0].name}: {order['status'].lower()} {made or order.get('errorCode', '')}".rstrip()


def _ended(api: ApiClient, order_id: str) -> dict[str, Any]:
    """The order once it is no longer processed, or as it is when the time is up."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while (order := api.call("GET", f"/orders/{order_id}").json)["status"] == "PROCESSING":
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    return order
