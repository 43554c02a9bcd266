"""Measures the CPU time and stored bytes of one file, for `img-pipeline cost`: python -m bench.files [--write].

CPU seconds of each function on photographs of several sizes, the minimum of a few runs, on one core; and for one
file in the embedded cloud, the bytes of its rows, its functions' logs and its execution's data.
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
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import linear_regression
from typing import Any

from PIL import Image

from bench.steps import our_metadata, our_validate, our_watermark
from contract.renditions import RENDITION_FORMATS, RenditionFormat, RenditionSpec
from functions.shared.attention import most_interesting
from functions.shared.formats import JPEG
from functions.thumbnail.presets import Preset
from functions.thumbnail.renditions import make_renditions
from operations.cost.measurements import MEASUREMENTS_FILE
from testing.pictures import write_photo
from testing.stack import Stack, deployed_stack

# About 0.6, 5 and 20 MB, as cameras write them.
_MEGAPIXELS = (2, 17, 67)
_REPEATS = 5
_WIDTHS = (160, 320, 640, 1280)
# Megapixels of a 3:2 picture in these widths.
_MEGAPIXELS_WRITTEN = sum(width * width / 1.5 / 1e6 for width in _WIDTHS)
# AVIF looks with 60 as JPEG with 82.
_QUALITIES: dict[RenditionFormat, int] = {"jpeg": 82, "webp": 82, "avif": 60, "png": 82}
# What CloudWatch Logs adds to each event ("PutLogEvents", Amazon CloudWatch Logs API Reference).
_LOG_EVENT_BYTES = 26


def main() -> None:
    """Measure, then print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"replace {MEASUREMENTS_FILE.name}")
    write = parser.parse_args().write
    with tempfile.TemporaryDirectory() as folder:
        photos = [_photo(Path(folder), megapixels) for megapixels in _MEGAPIXELS]
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
            },
            **_bytes(photos[1]),
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


def _cpu_seconds(work: Callable[[Path], object], photo: Path) -> float:
    def once() -> float:
        started = time.process_time()
        work(photo)
        return time.process_time() - started

    return min(once() for _ in range(_REPEATS))


def _by_size(photos: Sequence[Path], work: Callable[[Path], object], *, without: float = 0.0) -> dict[str, float]:
    """Linear regression of CPU seconds over megabytes, without so many seconds for each file."""
    line = linear_regression(
        [photo.stat().st_size / 1e6 for photo in photos], [_cpu_seconds(work, photo) for photo in photos]
    )
    return {"perFile": round(max(0.0, line.intercept - without), 4), "perMegabyte": round(line.slope, 4)}


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


def _made(path: Path, presets: Sequence[Preset]) -> list[bytes]:
    with path.open("rb") as body:
        made = make_renditions(body, JPEG, presets, max_pixels=100_000_000)
        return [rendition.body for rendition in made if isinstance(rendition.body, bytes)]


def _rendition_bytes(photo: Path) -> dict[str, int]:
    """Bytes of a megapixel of renditions, by format."""
    return {
        format: round(sum(map(len, _made(photo, _presets(format)))) / _MEGAPIXELS_WRITTEN)
        for format in RENDITION_FORMATS
    }


def _bytes(photo: Path) -> dict[str, Any]:
    """The bytes of one file in tables, buckets and logs."""
    with deployed_stack() as stack:
        upload = stack.pipeline.upload(photo, "uploads/2026/11/holiday/IMG_20261121_104512.jpg")
        stack.finish(upload)
        asset = stack.pipeline.asset(upload.file_key)
        job = stack.pipeline.job(upload)
        if asset is None:
            raise SystemExit(f"{upload.file_key} was not recorded: {job}")
        renditions = asset.pop("renditions")
        watermarked = next(each for each in renditions if each["name"] == "watermark")
        return {
            "renditionBytesPerMegapixel": _rendition_bytes(photo),
            "watermarkBytesPerByte": round(int(watermarked["bytes"]) / photo.stat().st_size, 3),
            # Each call to S3 is authorized once.
            "readsPerFile": sum(decision.action == "s3:GetObjectVersion" for decision in stack.cloud.journal()),
            "assetRowBytes": _row_bytes(asset),
            "renditionEntryBytes": round(_row_bytes(renditions) / len(renditions)),
            "jobRowBytes": _row_bytes(job),
            "executionDataBytes": _execution_data_bytes(stack),
            **_log_bytes(stack),
        }


def _row_bytes(value: Any) -> int:
    """The size of a row or a part of one: names, values, overhead of containers ("DynamoDB item sizes")."""
    if isinstance(value, dict):
        return 3 + sum(1 + len(name.encode()) + _row_bytes(part) for name, part in value.items())
    if isinstance(value, list):
        return 3 + sum(1 + _row_bytes(part) for part in value)
    return 1 if isinstance(value, bool) else len(str(value).encode())


def _execution_data_bytes(stack: Stack) -> int:
    """Inputs and outputs in the events of the one execution, as JSON in JSON."""
    (execution,) = stack.cloud.executions(stack.outputs["stateMachineArn"])
    details = [part for event in execution["events"] for part in event.values() if isinstance(part, dict)]
    return sum(len(json.dumps(detail[key])) for detail in details for key in ("input", "output") if key in detail)


def _log_bytes(stack: Stack) -> dict[str, int]:
    """Bytes per invocation of a function: its own log line, and the lines of the Lambda runtime."""
    lines, others = [], []
    for name in stack.outputs["functionNames"]:
        group = stack.outputs["logGroups"][name]
        messages = [
            event["message"] for event in stack.cloud.client("logs").filter_log_events(logGroupName=group)["events"]
        ]
        sizes = [(len(message.encode()) + _LOG_EVENT_BYTES, '"level":"INFO"' in message) for message in messages]
        lines.append(sum(size for size, own in sizes if own))
        others.append(sum(size for size, own in sizes if not own))
    return {
        "functionLogLineBytes": round(sum(lines) / len(lines)),
        "functionLogOtherBytes": round(sum(others) / len(others)),
    }


if __name__ == "__main__":
    main()
