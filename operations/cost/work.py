"""What one file takes under a stack's settings: time of each function, bytes stored and logged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from components.settings import Settings, TransformFunction
from contract.media import CSV, JPEG, MediaType
from contract.renditions import ANIMATED_FORMATS, RenditionSpec
from operations.cost.bill import MEGABYTE, Load
from operations.cost.measurements import FileMeasurements, Measurements
from operations.cost.renditions import encoding_seconds, stored_bytes
from operations.cost.workflow import WorkflowRun, workflow_run

# One vCPU ("Configure Lambda function memory"); the functions use one core, so more memory does not make them faster.
MEGABYTES_PER_CORE = 1769
# How fast a core of Lambda is beside the one that the work was measured on: believed. The REPORT lines of your own
# functions tell.
CORE_SPEED = 0.5
# Reading from and writing to S3 inside a region: believed.
S3_REQUEST_SECONDS = 0.03
S3_MEGABYTES_PER_SECOND = 75
# What the workflow does between the functions: ten calls of other services, believed.
BOOKKEEPING_SECONDS = 0.5
# A logged event without its data: ids, names, times, the execution's ARN; and what CloudWatch Logs adds to each.
WORKFLOW_EVENT_BYTES = 310 + 26
VALIDATE = "validate"


@dataclass(frozen=True, kw_only=True)
class Work(ABC):
    """What one file takes.

    Args:
        settings: the stack's.
        load: the uploads.
        measured: what was measured.
        core_speed: how fast Lambda's core is beside the measured one.
    """

    settings: Settings
    load: Load
    measured: Measurements
    core_speed: float

    media: ClassVar[MediaType]
    """The type that was measured, for its family."""

    @property
    @abstractmethod
    def recorded(self) -> FileMeasurements:
        """Bytes of its rows and of its execution."""

    @property
    @abstractmethod
    def rendition_bytes(self) -> float:
        """Bytes written to the processed bucket."""

    @abstractmethod
    def writes(self, function: str) -> int:
        """Objects that one function writes."""

    @abstractmethod
    def measured_seconds(self, function: str) -> float:
        """Seconds of one whole core as it was measured."""

    @property
    def transforms(self) -> dict[str, TransformFunction]:
        """What runs on a file, by name."""
        return self.settings.transforms_of(self.media.name)

    @property
    def run(self) -> WorkflowRun:
        """What the workflow does for a file."""
        return workflow_run(self.settings, self.media.name)

    @property
    def renditions(self) -> int:
        """Objects written to the processed bucket."""
        return sum(map(self.writes, self.transforms))

    def cpu_seconds(self, function: str) -> float:
        """Seconds of one whole core of Lambda."""
        return self.measured_seconds(function) / self.core_speed

    def seconds(self, function: str, memory_mb: int) -> float:
        """Billed duration of one call."""
        requests = 1 + self.writes(function)
        return billed_seconds(self.cpu_seconds(function), memory_mb, megabytes=self.load.megabytes, requests=requests)

    @property
    def validate_seconds(self) -> float:
        """Billed duration of validate."""
        return self.seconds(VALIDATE, self.settings.validate_.memory_mb)

    def transform_seconds(self, name: str) -> float:
        """Billed duration of a transform."""
        return self.seconds(name, self.transforms[name].memory_mb)

    @property
    def workflow_seconds(self) -> float:
        """How long the execution runs: validate, then the transforms as many at a time as may run, and the rest."""
        times = sorted(map(self.transform_seconds, self.transforms), reverse=True)
        return self.validate_seconds + sum(times[:: self.settings.map_concurrency]) + BOOKKEEPING_SECONDS

    @property
    def function_count(self) -> int:
        """Functions that are called for a file."""
        return 1 + len(self.transforms)

    @property
    def workflow_log_bytes(self) -> float:
        """Bytes that the workflow logs about a file that meets no error."""
        return workflow_log_bytes(self.settings, self.run, self.recorded.execution_data_bytes)

    @property
    def function_log_bytes(self) -> float:
        """Bytes that the functions log about a file."""
        return self.function_count * log_bytes_per_call(self.settings, self.measured)


class PictureWork(Work):
    """What one photograph takes, or one animation."""

    media = JPEG

    @property
    def recorded(self) -> FileMeasurements:
        return self.measured.picture

    @property
    def rendition_bytes(self) -> float:
        scaled = sum(stored_bytes(spec, self.measured, self.load.frames) for spec in self._presets)
        watermarked = self.measured.watermark_bytes_per_byte * self.load.megabytes * MEGABYTE
        return scaled + watermarked * ("watermark" in self.transforms)

    def writes(self, function: str) -> int:
        match function:
            case "thumbnail":
                return len(self._presets)
            case "watermark":
                return 1
            case _:
                return 0

    def measured_seconds(self, function: str) -> float:
        """What was not measured is taken for as costly as metadata."""
        measured, megabytes = self.measured.cpu_seconds, self.load.megabytes
        match function:
            case "validate":
                return measured.validate_.of(megabytes)
            case "watermark":
                return measured.watermark.of(megabytes)
            case "thumbnail":
                encoding = (encoding_seconds(spec, self.measured, self.load.frames) for spec in self._presets)
                return measured.thumbnail.of(megabytes) + sum(encoding)
            case _:
                return measured.metadata.of(megabytes)

    @property
    def _presets(self) -> list[RenditionSpec]:
        """What thumbnail makes of a file."""
        thumbnail = self.transforms.get("thumbnail")
        presets = thumbnail.settings["presets"].values() if thumbnail else ()
        return [_spec(preset, format) for preset in presets for format in preset["formats"]]


class TableWork(Work):
    """What one CSV file takes, of which every row fits."""

    media = CSV

    @property
    def recorded(self) -> FileMeasurements:
        return self.measured.table

    @property
    def rendition_bytes(self) -> float:
        parquet = self.measured.table.parquet_bytes_per_byte * self.load.megabytes * MEGABYTE
        return parquet + self.measured.table.other_rendition_bytes

    def writes(self, function: str) -> int:
        return self.measured.table.renditions if function == "table" else 0

    def measured_seconds(self, function: str) -> float:
        """What was not measured is taken for as costly as validate."""
        measured = self.measured.table.cpu_seconds
        return (measured.table if function == "table" else measured.validate_).of(self.load.megabytes)


def _spec(preset: Mapping[str, Any], format: str) -> RenditionSpec:
    """A preset in one format; one that is not animated has the first frame."""
    animated = preset.get("animated", False) and format in ANIMATED_FORMATS
    return RenditionSpec.from_json({**preset, "format": format, "animated": animated})


def billed_seconds(cpu_seconds: float, memory_mb: int, *, megabytes: float, requests: int) -> float:
    """Duration of a call that works for so long on one whole core, and exchanges a file with S3."""
    cores = min(1.0, memory_mb / MEGABYTES_PER_CORE)
    return cpu_seconds / cores + megabytes / S3_MEGABYTES_PER_SECOND + S3_REQUEST_SECONDS * requests


def workflow_log_bytes(settings: Settings, run: WorkflowRun, data_bytes: int) -> float:
    """Bytes that a workflow logs about an execution that meets no error."""
    if settings.workflow_log_level != "ALL":
        return 0.0
    return run.log_events * WORKFLOW_EVENT_BYTES + (data_bytes + run.argument_bytes) * settings.workflow_log_data


def log_bytes_per_call(settings: Settings, measured: Measurements) -> float:
    """Bytes that one call of a function logs."""
    own = measured.function_log_line_bytes * (settings.function_log_level in ("DEBUG", "INFO"))
    return own + measured.function_log_other_bytes
