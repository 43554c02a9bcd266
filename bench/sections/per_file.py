"""What one file takes in a deployed stack: time beside the functions, bytes read, calls of S3 and DynamoDB, dollars."""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.executions import Execution, execution_of
from bench.machine import measured_here
from bench.steps import our_validate
from contract.names import PROJECT
from functions.metadata.describing import describe
from functions.metadata.handler import BUFFER_BYTES
from functions.shared.formats import JPEG
from functions.shared.source import FileVersion, RangedReader
from operations.cost.bill import DAYS_PER_MONTH, Load
from operations.cost.files import file_lines
from operations.cost.measurements import load_measurements
from operations.cost.settings import stack_settings
from operations.cost.work import VALIDATE, PictureWork
from testing.pictures import write_photo
from testing.stack import Stack, deployed_stack

TITLE = "What one file takes"
OVERHEAD_MS, METADATA_SHARE, USD = 250, 0.03, 0.77
"""The targets: the workflow's time beside its functions, the share of a file that metadata reads, and the dollars of
`FILES` files without storage."""

FILES, _MEGAPIXELS = 10_000, 4
_WARM_UP, _MEASURED = 3, 12
# Large enough that most of it is nothing but pixels: 10 MB.
_LARGE_MEGAPIXELS, _MAX_PIXELS = 34, 100_000_000
# Nine renditions, and the watermark: ten outputs.
_PRESETS = {
    **{f"w{width}": {"width": width, "formats": ["jpeg", "webp"], "quality": 82} for width in (1280, 640, 320, 160)},
    "w960": {"width": 960, "formats": ["jpeg"], "quality": 82},
}
_THUMBNAIL = {"settings": {"presets": _PRESETS}}

CALLS: dict[tuple[str, str, str], str] = {
    ("validate", "s3:GetObjectVersion", "ingest"): "One download; type, hash and pixels are checked in one pass.",
    ("validate", "dynamodb:GetItem", "denylist"): "Whether the content's hash is on the deny-list.",
    ("thumbnail", "s3:GetObjectVersion", "ingest"): "One download for all renditions; functions share no memory.",
    ("thumbnail", "s3:PutObject", "processed"): "One for each rendition.",
    ("watermark", "s3:GetObjectVersion", "ingest"): "One download; the whole picture is decoded.",
    ("watermark", "s3:PutObject", "processed"): "The marked picture.",
    ("metadata", "s3:GetObjectVersion", "ingest"): "Ranges with the headers; its pixels come with the sample.",
    ("workflow", "dynamodb:UpdateItem", "jobs"): "The status that clients poll: received, validated, and the end.",
    ("workflow", "dynamodb:PutItem", "assets"): "The record, put only if it is newer, so that duplicates do no harm.",
    ("workflow", "dynamodb:UpdateItem", "assets"): "The result is published: a crash before that publishes it again.",
}
"""Why a role of the stack calls an operation on a bucket or a table for a file."""


def overhead_milliseconds(execution: Execution) -> float:
    """What is left of an execution without validate and the longest of the transforms, which run at once."""
    taken = execution.function_milliseconds
    return 1000 * (execution.ended - execution.began) - taken.pop(VALIDATE) - max(taken.values())


def measure() -> Iterator[dict[str, Any]]:
    """Process files one at a time once everything is warm; the medians."""
    with tempfile.TemporaryDirectory() as folder:
        photo, large, progressive = (Path(folder, f"{name}.jpg") for name in ("photo", "large", "progressive"))
        write_photo(photo, _MEGAPIXELS)
        write_photo(large, _LARGE_MEGAPIXELS)
        write_photo(progressive, _LARGE_MEGAPIXELS, progressive=True)
        with deployed_stack(transforms={"thumbnail": _THUMBNAIL}) as stack:
            for number in range(_WARM_UP):
                _processed(stack, photo, f"uploads/warm-up-{number}.jpg")
            before = len(stack.cloud.journal())
            executions = [_processed(stack, photo, f"uploads/{number}.jpg") for number in range(_MEASURED)]
            calls = _calls(stack, before)
            metadata = {each.stem: _metadata_bytes(each) for each in (large, progressive)}
        megabytes = photo.stat().st_size / 1e6
    durations = [each.function_milliseconds for each in executions]
    functions = {name: median(each[name] for each in durations) for name in durations[0]}
    execution_ms = 1000 * median(each.ended - each.began for each in executions)
    yield {
        **measured_here(),
        "megabytes": round(megabytes, 2),
        "executionMs": round(execution_ms),
        "functionMs": functions,
        "overheadMs": round(median(map(overhead_milliseconds, executions))),
        "metadata": metadata,
        "calls": calls,
        "cost": _cost(functions, execution_ms, megabytes),
    }


def _processed(stack: Stack, photo: Path, file_key: str) -> Execution:
    """Process one file; its execution."""
    upload = stack.pipeline.upload(photo, file_key)
    (job,) = stack.finish(upload)
    # The message is deleted after the last state; nothing of this file is left for the next one's measurement.
    stack.await_idle()
    machine = stack.outputs["stateMachineArn"]
    (found,) = [each for each in stack.cloud.executions(machine) if each["name"] == job["executionName"]]
    return execution_of(found["events"])


def _calls(stack: Stack, before: int) -> list[dict[str, Any]]:
    """How often each role called each operation of S3 and DynamoDB for a file."""
    prefix = f"{PROJECT}-{stack.pipeline.stack}-"
    counted = Counter(
        (each.role.removeprefix(prefix), each.action, _target(each.resource, prefix))
        for each in stack.cloud.journal()[before:]
        if each.action.startswith(("s3:", "dynamodb:"))
    )
    return [
        {"role": role, "action": action, "on": target, "perFile": times / _MEASURED}
        for (role, action, target), times in sorted(counted.items())
    ]


def _target(arn: str, prefix: str) -> str:
    """The short name of the bucket or the table in an ARN: `ingest`, of a bucket that has the account in its name."""
    return re.split(r"[-/]", arn.partition(prefix)[2])[0]


def _metadata_bytes(large: Path) -> dict[str, int]:
    """The bytes and requests with which metadata reads a large file."""
    size = large.stat().st_size
    version = FileVersion(bucket="ingest", file_key=f"uploads/{large.name}", version_id="1", bytes=size)
    s3 = _Ranges(large.read_bytes())
    with io.BufferedReader(RangedReader(s3, version), BUFFER_BYTES) as body:
        describe(body, JPEG, our_validate(large), max_pixels=_MAX_PIXELS)
    return {"fileBytes": size, "readBytes": s3.bytes, "requests": s3.requests}


class _Ranges:
    """S3 with one object, which counts what is read."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.bytes = self.requests = 0

    def get_object(self, *, Range: str, **_: Any) -> dict[str, Any]:
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        part = self._content[first : last + 1]
        self.requests += 1
        self.bytes += len(part)
        return {"Body": io.BytesIO(part), "ContentLength": len(part)}


@dataclass(frozen=True, kw_only=True)
class _MeasuredWork(PictureWork):
    """What a photograph takes, with the durations that were measured here."""

    functions: Mapping[str, float]
    execution_ms: float

    def seconds(self, function: str, memory_mb: int) -> float:  # noqa: ARG002 - measured with any memory
        return self.functions[function] / 1000

    @property
    def workflow_seconds(self) -> float:
        return self.execution_ms / 1000


def _cost(functions: Mapping[str, float], execution_ms: float, megabytes: float) -> list[dict[str, Any]]:
    """The lines of the bill for `FILES` files with ten outputs each, in a month."""
    presets = f"transforms.thumbnail.settings.presets={json.dumps(_PRESETS)}"
    work = _MeasuredWork(
        settings=stack_settings("prod", [presets, "api.enabled=false", "validate.provisionedConcurrency=0"]),
        load=Load(uploads_per_day=FILES / DAYS_PER_MONTH, megabytes=megabytes),
        measured=load_measurements(),
        core_speed=1,
        functions=functions,
        execution_ms=execution_ms,
    )
    return [
        {
            "service": line.service,
            "what": line.what,
            "quantity": line.quantity,
            "price": str(line.price),
            "usd": round(line.usd, 5),
            "isStorage": line.price.unit == "GB-months",
        }
        for line in file_lines(work)
    ]


def markdown(measured: dict[str, Any]) -> str:
    """The section's text."""
    return "\n".join(_lines(measured))


def _lines(measured: Mapping[str, Any]) -> Iterator[str]:
    functions = ", ".join(f"{name} {taken:.0f}" for name, taken in measured["functionMs"].items())
    overhead = measured["overheadMs"]
    large, progressive = (measured["metadata"][name] for name in ("large", "progressive"))
    share, of_progressive = (each["readBytes"] / each["fileBytes"] for each in (large, progressive))
    dollars = sum(line["usd"] for line in measured["cost"] if not line["isStorage"])
    yield f"Measured on {measured['date']}: {measured['machine']}. The medians of {_MEASURED} JPEGs of"
    yield f"{measured['megabytes']} MB, one after the other in a warm embedded stack, in milliseconds: {functions},"
    yield f"the execution {measured['executionMs']}."
    yield ""
    yield "| | Measured | Target | |"
    yield "|---|---|---|---|"
    for what, found, shown, limit, target in (
        (
            "Execution without validate and longest transform",
            overhead,
            f"{overhead} ms",
            OVERHEAD_MS,
            f"{OVERHEAD_MS} ms",
        ),
        (
            f"Of a JPEG of {large['fileBytes'] / 1e6:.0f} MB, metadata reads",
            share,
            f"{share:.1%}",
            METADATA_SHARE,
            f"{METADATA_SHARE:.0%}",
        ),
        (f"{FILES:,} files with ten outputs, without storage", dollars, f"${dollars:.2f}", USD, f"${USD}"),
    ):
        yield f"| {what} | {shown} | {target} | {'reached' if found <= limit else 'missed'} |"
    yield ""
    yield f"{_METADATA} Of a progressive JPEG it reads {of_progressive:.1%}."
    yield ""
    yield _DOLLARS
    yield ""
    yield "Calls of S3 and DynamoDB for a file. In the tests each role uses every call that it is allowed, and no other"
    yield "(`tests/e2e/test_least_privilege.py`)."
    yield ""
    yield "| Role | Operation | On | Per file | Why |"
    yield "|---|---|---|---|---|"
    for call in measured["calls"]:
        why = CALLS.get((call["role"], call["action"], call["on"]), "missed: not explained")
        yield f"| {call['role']} | `{call['action']}` | {call['on']} | {call['perFile']:g} | {why} |"
    yield ""
    yield f"The bill of {FILES:,} files, at the settings of `prod` without the API and with no environment kept warm,"
    yield "from the durations above; Lambda's cores may be slower, see `img-pipeline cost --core-speed`."
    yield ""
    yield "| Service | | Quantity | Price | $ |"
    yield "|---|---|---|---|---|"
    for line in measured["cost"]:
        usd = f"({line['usd']:.3f})" if line["isStorage"] else f"{line['usd']:.3f}"
        yield f"| {line['service']} | {line['what']} | {_rounded(line['quantity'])} | {line['price']} | {usd} |"
    yield f"| **without storage** | | | | **{dollars:.2f}** |"
    yield ""


_METADATA = """\
Metadata reads the headers, for sizes, EXIF and dates. Colours, hash and placeholder come from the sample, a picture of
at most 48 by 48 pixels that validate makes of what it decodes anyway and the workflow passes on."""
_DOLLARS = """\
Writing ten outputs and the upload alone costs $0.55, and reads, rows, messages, logs and executions $0.20: what is left
of the target pays for 0.13 GB-seconds of a file's functions, which decoding it does not fit in. What lowers the bill is
fewer outputs: one format instead of two saves four writes of a file, $0.20."""


def _rounded(quantity: float) -> str:
    return f"{quantity:,.0f}" if quantity >= 100 else f"{quantity:.3g}"
