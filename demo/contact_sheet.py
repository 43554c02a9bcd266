"""An HTML page that shows each original next to its renditions and metadata, and what was ordered of it."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image, ImageOps, UnidentifiedImageError

from client.pipeline import Pipeline
from contract.assets import recorded
from demo.order import PlacedOrder, download
from demo.outcome import Outcome

_PREVIEW_PIXELS = 640
_PREVIEW_ROWS = 5
_SHOWN_ELSEWHERE = {"columns", "dominantColours"}


def write_contact_sheet(
    outcomes: Sequence[Outcome], order: PlacedOrder | None, pipeline: Pipeline, folder: Path
) -> Path:
    """Write `folder/index.html` and its images, replacing the folder's content; return the page's path."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cards = [
        {
            **_card(number, outcome, pipeline, folder),
            "order": _order(order, folder) if order and order.of is outcome else None,
        }
        for number, outcome in enumerate(outcomes)
    ]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = folder / "index.html"
    page.write_text(environment.get_template("contact_sheet.html.j2").render(cards=cards), encoding="utf-8")
    return page


def _card(number: int, outcome: Outcome, pipeline: Pipeline, folder: Path) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "bytes": len(outcome.body),
        "original": _preview(outcome, folder / f"{number}-original.png") if outcome.kind == "completed" else None,
        "renditions": [
            {
                **rendition,
                "file": _download(rendition["key"], pipeline, folder / f"{number}-{Path(rendition['key']).name}"),
            }
            for rendition in outcome.renditions
        ],
        "facts": _facts({**outcome.metadata, **recorded(outcome.asset or {})}),
        "colours": outcome.metadata.get("dominantColours", []),
        "table": _table(outcome, pipeline),
        "milliseconds": outcome.stage_milliseconds(),
    }


def _order(order: PlacedOrder, folder: Path) -> dict[str, Any]:
    renditions = [{**rendition, "file": f"order-{rendition['name']}"} for rendition in order.renditions]
    for rendition in renditions:
        download(rendition, folder / rendition["file"])
    return {"status": order.shown["status"], "renditions": renditions, "milliseconds": order.milliseconds}


def _preview(outcome: Outcome, path: Path) -> str | None:
    """A PNG of the original as a viewer would show it, because browsers show neither TIFF nor HEIC."""
    try:
        with Image.open(io.BytesIO(outcome.body)) as picture:
            picture.thumbnail((_PREVIEW_PIXELS, _PREVIEW_PIXELS))
            ImageOps.exif_transpose(picture).convert("RGBA").save(path)
    except (UnidentifiedImageError, OSError):
        return None
    return path.name


def _table(outcome: Outcome, pipeline: Pipeline) -> dict[str, Any] | None:
    """The columns and first rows of a table; None for a picture."""
    keys = [rendition["key"] for rendition in outcome.renditions if rendition["name"] == "preview"]
    if not keys:
        return None
    body = pipeline.client("s3").get_object(Bucket=pipeline.outputs.processed_bucket, Key=keys[0])["Body"]
    preview = json.loads(body.read())
    return {"columns": preview["columns"], "rows": preview["rows"][:_PREVIEW_ROWS]}


def _download(key: str, pipeline: Pipeline, path: Path) -> str:
    body = pipeline.client("s3").get_object(Bucket=pipeline.outputs.processed_bucket, Key=key)["Body"]
    path.write_bytes(body.read())
    return path.name


def _facts(metadata: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested metadata as dotted names and text."""
    facts: dict[str, str] = {}
    for name, value in sorted(metadata.items()):
        if isinstance(value, dict):
            facts |= _facts(value, f"{prefix}{name}.")
        elif name not in _SHOWN_ELSEWHERE and (text := _text(value)):
            facts[prefix + name] = text
    return facts


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
