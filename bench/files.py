"""Measures the CPU time and stored bytes of one file, for `img-pipeline cost`: python -m bench.files [--write].

CPU seconds of each function on photographs and tables of several sizes, the minimum of a few runs, on one core; and for
one photograph, one table and one order in the embedded cloud, the bytes of their rows, their functions' logs and their
executions' data.
With --write they replace `operations/cost/measurements.json`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import linear_regression
from typing import Any, NamedTuple

from PIL import Image

from bench.steps import our_metadata, our_validate, our_watermark
from bench.tables import tabulated, validated
from client.api import ApiClient
from client.orders import find_order
from client.uploads import Upload
from contract.renditions import ANIMATED_FORMATS, RENDITION_FORMATS, RenditionFormat, RenditionSpec
from functions.shared.attention import most_interesting
from functions.shared.formats import GIF, JPEG, Format
from functions.thumbnail.presets import Preset
from functions.thumbnail.renditions import make_renditions
from operations.cost.measurements import MEASUREMENTS_FILE
from testing.pictures import write_animation, write_photo
from testing.stack import Stack, deployed_stack
from testing.tables import write_orders
from testing.waiting import eventually

# About 0.6, 5 and 20 MB, as cameras write them.
_MEGAPIXELS = (2, 17, 67)
_REPEATS = 5
_WIDTHS = (160, 320, 640, 1280)
# Megapixels of a 3:2 picture in these widths.
_MEGAPIXELS_WRITTEN = sum(width * width / 1.5 / 1e6 for width in _WIDTHS)
# AVIF looks with 60 as JPEG with 82; PNG and GIF have no quality.
_QUALITIES: dict[RenditionFormat, int] = {"jpeg": 82, "webp": 82, "avif": 60, "png": 82, "gif": 82}
# About 0.5, 5 and 20 MB.
_TABLE_ROWS = (10_000, 100_000, 400_000)
_TABLE_MEMORY_MB = 1769
_FRAMES, _ANIMATED_WIDTH = 24, 320
_TIMEOUT_SECONDS = 120
# What CloudWatch Logs adds to each event ("PutLogEvents", Amazon CloudWatch Logs API Reference).
_LOG_EVENT_BYTES = 26


def main() -> None:
    """Measure, then print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"replace {MEASUREMENTS_FILE.name}")
    write = parser.parse_args().write
    with tempfile.TemporaryDirectory() as folder:
        photos = [_photo(Path(folder), megapixels) for megapixels in _MEGAPIXELS]
        tables = [_table(Path(folder), rows) for rows in _TABLE_ROWS]
        animation = Path(folder, "animation.gif")
        write_animation(animation, _FRAMES)
        animated = {format: _animated(animation, format) for format in ANIMATED_FORMATS}
        measured = {
            "command": "python -m bench.files --write",
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} shared {platform.machine()} cores, {platform.system()}, "
            f"Python {platform.python_version()}; under other load, minimum of {_REPEATS} runs",
            "cpuSeconds": {
                "validate": _by_size(photos, our_validate),
                "watermark": _by_size(photos, our_watermark),
                "metadata": _by_size(photos, our_metadata),
                **_renditions(photos),
                "perAnimatedMegapixel": {format: round(each.seconds, 4) for format, each in animated.items()},
            },
            "renditionBytesPerMegapixel": _rendition_bytes(photos[1]),
            "animatedBytesPerMegapixel": {format: round(each.bytes) for format, each in animated.items()},
            **_stored(photos[1], tables),
        }
    text = json.dumps(measured, indent=2) + "\n"
    if write:
        MEASUREMENTS_FILE.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def _photo(folder: Path, megapixels: int) -> Path:
    path = folder / f"{megapixels}.jpg"
    write_photo(path, megapixels)
    return path


def _table(folder: Path, rows: int) -> Path:
    path = folder / f"{rows}.csv"
    write_orders(path, rows)
    return path


def _tabulate(path: Path, measures: Mapping[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tabulated(path, measures, Path(folder), _TABLE_MEMORY_MB)


class _Animated(NamedTuple):
    """CPU seconds and bytes of each megapixel of each frame of an animated rendition."""

    seconds: float
    bytes: float


def _animated(animation: Path, format: RenditionFormat) -> _Animated:
    spec = RenditionSpec(format=format, width=_ANIMATED_WIDTH, animated=True, quality=_QUALITIES[format])

    def made(path: Path) -> list[bytes]:
        return _made(path, [Preset(preset="animated", spec=spec)], GIF)

    megapixels = _FRAMES * _ANIMATED_WIDTH * _ANIMATED_WIDTH * 0.75 / 1e6
    return _Animated(
        seconds=_cpu_seconds(made, animation) / megapixels, bytes=sum(map(len, made(animation))) / megapixels
    )


def _cpu_seconds(work: Callable[[Path], object], photo: Path) -> float:
    def once() -> float:
        started = time.process_time()
        work(photo)
        return time.process_time() - started

    return min(once() for _ in range(_REPEATS))


def _by_size(files: Sequence[Path], work: Callable[[Path], object], *, without: float = 0.0) -> dict[str, float]:
    """Linear regression of CPU seconds over megabytes, without so many seconds for each file."""
    line = linear_regression(
        [file.stat().st_size / 1e6 for file in files], [_cpu_seconds(work, file) for file in files]
    )
    return {"perFile": round(max(0.0, line.intercept - without), 4), "perMegabyte": round(max(0.0, line.slope), 4)}


def _renditions(photos: Sequence[Path]) -> dict[str, Any]:
    """CPU seconds of reading and scaling a file, of each megapixel of renditions by format, and of attention."""
    photo, scaled = photos[1], _presets("jpeg")
    one_format = _cpu_seconds(lambda path: _made(path, scaled), photo)
    rates: dict[str, float] = {}
    for format in RENDITION_FORMATS:
        # Of another quality than those before, or a JPEG would not be encoded again.
        presets = [*scaled, *_presets(format, better=1)]
        both = _cpu_seconds(lambda path, presets=presets: _made(path, presets), photo)
        rates[format] = (both - one_format) / _MEGAPIXELS_WRITTEN
    encoding = rates["jpeg"] * _MEGAPIXELS_WRITTEN
    return {
        "thumbnail": _by_size(photos, lambda path: _made(path, scaled), without=encoding),
        "perRenditionMegapixel": {format: round(rate, 4) for format, rate in rates.items()},
        "perAttention": round(_cpu_seconds(_attention(photo), photo), 4),
    }


def _attention(photo: Path) -> Callable[[Path], object]:
    """Finds the part of the largest rendition to crop to; its pixels are decoded before."""
    picture = Image.open(io.BytesIO(_made(photo, _presets("jpeg"))[0])).convert("RGB")
    return lambda _: most_interesting(picture, (picture.height, picture.height))


def _presets(format: RenditionFormat, better: int = 0) -> list[Preset]:
    quality = _QUALITIES[format] + better
    return [
        Preset(preset=f"w{width}", spec=RenditionSpec(format=format, width=width, quality=quality)) for width in _WIDTHS
    ]


def _made(path: Path, presets: Sequence[Preset], format: Format = JPEG) -> list[bytes]:
    with path.open("rb") as body:
        made = make_renditions(body, format, presets, max_pixels=100_000_000)
        return [rendition.body for rendition in made if isinstance(rendition.body, bytes)]


def _rendition_bytes(photo: Path) -> dict[str, int]:
    """Bytes of a megapixel of renditions, by format."""
    return {
        format: round(sum(map(len, _made(photo, _presets(format)))) / _MEGAPIXELS_WRITTEN)
        for format in RENDITION_FORMATS
    }


def _stored(photo: Path, tables: Sequence[Path]) -> dict[str, Any]:
    """The bytes of a photograph, a table and an order in the tables, the buckets and the logs of a stack."""
    with deployed_stack(api={"auth": "none"}) as stack:
        picture = _file(stack, photo, "uploads/2026/11/holiday/IMG_20261121_104512.jpg")
        watermarked = next(each for each in picture.renditions if each["name"] == "watermark")
        table = _file(stack, tables[0], "uploads/2026/11/exports/orders_20261121.csv")
        parquet = next(each for each in table.renditions if each["name"] == "table")
        measures = {path: validated(path) for path in tables}
        seconds = {
            "validate": _by_size(tables, validated),
            "table": _by_size(tables, lambda path: _tabulate(path, measures[path])),
        }
        return {
            "watermarkBytesPerByte": round(int(watermarked["bytes"]) / photo.stat().st_size, 3),
            "picture": picture.measured,
            "table": {
                "cpuSeconds": seconds,
                **table.measured,
                "renditions": len(table.renditions),
                "parquetBytesPerByte": round(int(parquet["bytes"]) / tables[0].stat().st_size, 3),
                "otherRenditionBytes": int(sum(each["bytes"] for each in table.renditions) - parquet["bytes"]),
            },
            "order": _order(stack, picture.upload),
            **_log_bytes(stack),
        }


@dataclass(frozen=True, kw_only=True)
class _File:
    """One file in a stack: its upload, its renditions as its record has them, and what was measured."""

    upload: Upload
    renditions: Sequence[Mapping[str, Any]]
    measured: Mapping[str, int]


def _file(stack: Stack, path: Path, file_key: str) -> _File:
    before = len(stack.cloud.journal())
    upload = stack.pipeline.upload(path, file_key)
    stack.finish(upload, timeout_seconds=_TIMEOUT_SECONDS)
    asset, job = stack.pipeline.asset(file_key), stack.pipeline.job(upload)
    if asset is None or job is None:
        raise SystemExit(f"{file_key} was not recorded: {job}")
    renditions = asset.pop("renditions")
    measured = {
        # Each call to S3 is authorized once.
        "reads": sum(each.action == "s3:GetObjectVersion" for each in stack.cloud.journal()[before:]),
        "assetRowBytes": _row_bytes(asset),
        "renditionEntryBytes": round(_row_bytes(renditions) / len(renditions)),
        "jobRowBytes": _row_bytes(job),
        "executionDataBytes": _execution_data_bytes(stack, "stateMachineArn", job["executionName"]),
    }
    return _File(upload=upload, renditions=renditions, measured=measured)


def _order(stack: Stack, upload: Upload) -> dict[str, int]:
    """The bytes of an order of two renditions."""
    body = {"fileKey": upload.file_key, "renditions": [{"width": 1600, "format": each} for each in ("webp", "avif")]}
    order_id = ApiClient(stack.outputs["apiUrl"]).call("POST", "/orders", body).json["orderId"]

    def fulfilled() -> Mapping[str, Any] | None:
        row = find_order(stack.pipeline, order_id)
        return row if "publishedAt" in row else None

    row = eventually(fulfilled, "the order", _TIMEOUT_SECONDS)
    return {
        "rowBytes": _row_bytes(row),
        "executionDataBytes": _execution_data_bytes(stack, "orderStateMachineArn", order_id),
    }


def _row_bytes(value: Any) -> int:
    """The size of a row or a part of one: names, values, overhead of containers ("DynamoDB item sizes")."""
    if isinstance(value, dict):
        return 3 + sum(1 + len(name.encode()) + _row_bytes(part) for name, part in value.items())
    if isinstance(value, list):
        return 3 + sum(1 + _row_bytes(part) for part in value)
    return 1 if isinstance(value, bool) else len(str(value).encode())


def _execution_data_bytes(stack: Stack, machine: str, name: str) -> int:
    """Inputs and outputs in the events of an execution, as JSON in JSON."""
    (execution,) = [each for each in stack.cloud.executions(stack.outputs[machine]) if each["name"] == name]
    details = [part for event in execution["events"] for part in event.values() if isinstance(part, dict)]
    return sum(len(json.dumps(detail[key])) for detail in details for key in ("input", "output") if key in detail)


def _log_bytes(stack: Stack) -> dict[str, int]:
    """Bytes per call of a function: its own log line, and the lines of the Lambda runtime and of its metrics."""
    # What a call of the API logs is counted with the API.
    groups = [stack.outputs["logGroups"][name] for name in stack.outputs["functionNames"] if name != "api"]
    logs = stack.cloud.client("logs")
    messages = [each["message"] for name in groups for each in logs.filter_log_events(logGroupName=name)["events"]]
    calls = sum(message.startswith("REPORT RequestId") for message in messages)
    own = [message for message in messages if '"level":"INFO"' in message]
    size, own_size = (sum(len(each.encode()) + _LOG_EVENT_BYTES for each in some) for some in (messages, own))
    return {
        "functionLogLineBytes": round(own_size / calls),
        "functionLogOtherBytes": round((size - own_size) / calls),
    }


if __name__ == "__main__":
    main()
