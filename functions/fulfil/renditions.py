"""The renditions of an order: those that exist are reused, the others are made from one decode of the image."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from contract.assets import DELETED_AT
from contract.keys import renditions_folder
from contract.orders import FulfilConfiguration, rendition_name, rendition_spec
from contract.renditions import RenditionSpec
from functions.shared.answers import Rendition, store_all
from functions.shared.aws import client, failures_named
from functions.shared.errors import ConfigurationError, SourceMissingError
from functions.shared.image_source import ImageSource
from functions.shared.images import encoded
from functions.shared.rendering import OUTPUT_FORMATS, Renderer
from functions.shared.rows import Row, find
from functions.shared.source import downloaded
from functions.shared.watermark.drawing import apply_mark
from functions.shared.watermark.mark import Mark, configured_mark
from functions.shared.watermark.settings import WatermarkSettings

Entry = dict[str, Any]
"""A rendition as an asset's record has it: {name, key, contentType, width, height, bytes}."""


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """One rendition of an order.

    Args:
        name: such as `w640-webp`.
        spec: what it is, without the watermark.
        watermark: whether it has one.
        file_name: its address: equal renditions of a file version have the same.
    """

    name: str
    spec: RenditionSpec
    watermark: bool
    file_name: str


@cache
def configuration() -> FulfilConfiguration:
    """The stack's settings for orders."""
    return FulfilConfiguration.from_json(os.environ["ORDER_SETTINGS"])


def make_all(row: Row) -> list[Entry]:
    """Store the renditions of an order that are not stored yet.

    Returns:
        All of them, as they were ordered.

    Raises:
        SourceMissingError: the file was deleted.
        ConfigurationError: the stack no longer has a preset or a watermark that is ordered.
        TransientError, AccessError: S3 or DynamoDB refused, see `aws.failures_named`.
    """
    ordered = [_ordered(each) for each in row["renditions"]]
    found = _found(row, ordered)
    missing = {each.file_name: each for each in ordered if each.name not in found}
    made = _made(ImageSource.from_payload({"file": row, "media": row}), list(missing.values())) if missing else []
    _check_not_deleted(row, made)
    return [found.get(each.name) or next(entry for entry in made if entry["name"] == each.name) for each in ordered]


def _ordered(each: Mapping[str, Any]) -> Ordered:
    settings, has_watermark = configuration(), bool(each.get("watermark"))
    if has_watermark and settings.watermark is None:
        raise ConfigurationError("The order has a watermark, which this stack has not. Add the transform watermark.")
    try:
        spec = rendition_spec(each, settings.presets)
    except KeyError as error:
        raise ConfigurationError(f"The order names the preset {error}, which this stack no longer has.") from error
    parts = [spec.id, *([json.dumps(settings.watermark, sort_keys=True)] if has_watermark else [])]
    address = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16] if has_watermark else spec.id
    return Ordered(
        name=rendition_name(each),
        spec=spec,
        watermark=has_watermark,
        file_name=f"{address}{OUTPUT_FORMATS[spec.format].extension}",
    )


def _found(row: Row, ordered: Sequence[Ordered]) -> dict[str, Entry]:
    """The renditions that are stored already, by name: what the pipeline made, and what earlier orders did."""
    s3, bucket = client("s3"), os.environ["PROCESSED_BUCKET"]
    folder = renditions_folder(row["fileKey"], row["versionId"])
    with failures_named(f"list s3://{bucket}/{folder}"):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
        keys = {each["Key"] for page in pages for each in page.get("Contents", ())}
    of_pipeline = {entry["name"]: entry for entry in row["existing"] if entry["key"] in keys}
    return {
        each.name: of_pipeline.get(each.name) or _entry(s3, bucket, folder + each.file_name, each.name)
        for each in ordered
        if each.name in of_pipeline or folder + each.file_name in keys
    }


def _entry(s3: Any, bucket: str, key: str, name: str) -> Entry:
    """What is known of a stored rendition, from what `store` wrote beside it."""
    with failures_named(f"read s3://{bucket}/{key}"):
        head = s3.head_object(Bucket=bucket, Key=key)
    measures = {measure: int(value) for measure, value in head["Metadata"].items()}
    return {"name": name, "key": key, "contentType": head["ContentType"], **measures, "bytes": head["ContentLength"]}


def _made(image: ImageSource, missing: Sequence[Ordered]) -> list[Entry]:
    s3, bucket = client("s3"), os.environ["PROCESSED_BUCKET"]
    with downloaded(s3, image.version, max_bytes=image.version.bytes) as file:
        renderer = Renderer(file.body, image.format, max_pixels=image.max_pixels)
        largest_first = sorted(missing, key=lambda each: renderer.decoded_pixels(each.spec), reverse=True)
        return store_all(s3, bucket, image.version, _rendered(renderer, largest_first))


def _rendered(renderer: Renderer, ordered: Sequence[Ordered]) -> Iterator[Rendition]:
    for each in ordered:
        target = OUTPUT_FORMATS[each.spec.format]
        if each.watermark:
            picture = renderer.picture(each.spec).copy()
            settings, mark = _watermark()
            apply_mark(picture, mark, opacity=settings.opacity, position=settings.position)
            measures = {"width": picture.width, "height": picture.height}
            body = encoded(picture, target, each.spec.quality)
        else:
            made = renderer.render(each.spec)
            measures, body = made.measures, made.body
        yield Rendition(
            name=each.name,
            file_name=each.file_name,
            content_type=target.content_type,
            measures=measures,
            body=body,
        )


@cache
def _watermark() -> tuple[WatermarkSettings, Mark]:
    settings = WatermarkSettings.from_json(configuration().watermark or {})
    return settings, configured_mark(settings, client("s3"), os.environ["PROCESSED_BUCKET"])


def _check_not_deleted(row: Row, made: Sequence[Entry]) -> None:
    """Remove what was made of a file that was deleted meanwhile: nobody else would."""
    asset = find(os.environ["ASSETS_TABLE"], {"fileKey": row["fileKey"]})
    if asset is not None and DELETED_AT not in asset:
        return
    s3, bucket = client("s3"), os.environ["PROCESSED_BUCKET"]
    for entry in made:
        with failures_named(f"remove s3://{bucket}/{entry['key']}"):
            version_id = s3.head_object(Bucket=bucket, Key=entry["key"])["VersionId"]
            s3.delete_object(Bucket=bucket, Key=entry["key"], VersionId=version_id)
    raise SourceMissingError(f"{row['fileKey']} was deleted after the order was placed.")
