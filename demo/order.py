"""An order of further renditions of one of the demo's files, from the request to the signed addresses."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from client.api import ApiClient
from client.pipeline import Pipeline
from contract.orders import OrderStatus
from demo.outcome import Outcome

_RENDITIONS = [
    {"preset": "w320", "format": "avif"},
    {"width": 240, "height": 240, "fit": "cover", "focalPoint": "attention", "format": "webp", "watermark": True},
]
_TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.5


@dataclass(kw_only=True)
class PlacedOrder:
    """An order as the API shows it.

    Attributes:
        of: the file that is ordered.
        shown: what `GET /orders/{orderId}` answered last.
        problems: differences from the expected outcome.
    """

    of: Outcome
    shown: Mapping[str, Any]
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the demo calls it."""
        return f"order of {self.of.name}"

    @property
    def kind(self) -> str:
        """Its kind in the totals: completed, rejected or failed (which includes an order that is not over)."""
        kinds = {OrderStatus.FULFILLED: "completed", OrderStatus.REJECTED: "rejected"}
        return kinds.get(self.shown["status"], "failed")

    @property
    def renditions(self) -> Sequence[Mapping[str, Any]]:
        """What was made, each with its signed address."""
        return self.shown.get("renditions") or []

    @property
    def milliseconds(self) -> int:
        """From the request to the fulfilment; 0 for an order that is not fulfilled."""
        if not self.shown.get("fulfilledAt"):
            return 0
        placed, fulfilled = (datetime.fromisoformat(self.shown[name]) for name in ("createdAt", "fulfilledAt"))
        return round((fulfilled - placed).total_seconds() * 1000)


def place_order(outcomes: Sequence[Outcome], pipeline: Pipeline) -> PlacedOrder | None:
    """Order renditions of the first image that was completed, and wait for them; None if there is no such image."""
    images = (each for each in outcomes if each.kind == "completed" and each.media_type.startswith("image/"))
    if not (image := next(images, None)):
        return None
    api = ApiClient(pipeline.outputs.api_url)
    body = {"fileKey": image.upload.file_key, "renditions": _RENDITIONS, "reference": "demo"}
    placed = PlacedOrder(of=image, shown=_ended(api, api.call("POST", "/orders", body).json["orderId"]))
    # A user's own image may be smaller than what is ordered.
    if placed.kind == "failed" or (image.sample and placed.kind != "completed"):
        placed.problems.append(f"ended as {placed.shown['status']} {placed.shown.get('errorCode') or ''}".rstrip())
    if placed.kind == "completed" and len(placed.renditions) != len(_RENDITIONS):
        placed.problems.append(f"{len(placed.renditions)} renditions, not {len(_RENDITIONS)}")
    return placed


def download(rendition: Mapping[str, Any], path: Path) -> None:
    """Write a rendition to a file, from its signed address, as a customer does."""
    with urllib.request.urlopen(rendition["url"]) as answer:  # noqa: S310 - the API's own address
        path.write_bytes(answer.read())


def _ended(api: ApiClient, order_id: str) -> dict[str, Any]:
    """The order once it is no longer processed, or as it is when the time is up."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while (order := api.call("GET", f"/orders/{order_id}").json)["status"] == OrderStatus.PROCESSING:
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    return order
