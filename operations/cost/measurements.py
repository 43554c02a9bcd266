"""What one file or order takes in time and bytes, as `python -m bench.files --write` measured it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

MEASUREMENTS_FILE = Path(__file__).with_name("measurements.json")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


# `validate` is a method of pydantic's models.
_WITHOUT_UNDERSCORE = ConfigDict(
    frozen=True, extra="forbid", alias_generator=lambda name: to_camel(name.removesuffix("_"))
)


class LineBySize(_Model):
    """CPU seconds on one core: `per_file` and `per_megabyte` of it."""

    per_file: float
    per_megabyte: float

    def of(self, megabytes: float) -> float:
        """CPU seconds for a file of this size."""
        return self.per_file + megabytes * self.per_megabyte


class CpuSeconds(_Model):
    """Of each function; `thumbnail` is reading and scaling, `per_rendition_megapixel` encoding, by format.

    `per_animated_megapixel` is decoding, scaling and encoding each megapixel of each frame of an animated rendition,
    by format.
    `per_attention` is finding the most interesting part of a picture, for each rendition that is cropped to it.
    """

    validate_: LineBySize
    thumbnail: LineBySize
    watermark: LineBySize
    metadata: LineBySize
    per_rendition_megapixel: Mapping[str, float]
    per_animated_megapixel: Mapping[str, float]
    per_attention: float

    model_config = _WITHOUT_UNDERSCORE


class FileMeasurements(_Model):
    """One file: its reads from S3, and the bytes of its rows and of its execution's data."""

    reads: int
    asset_row_bytes: int
    rendition_entry_bytes: int
    job_row_bytes: int
    execution_data_bytes: int


class TableCpuSeconds(_Model):
    """Of each function that a table goes through."""

    validate_: LineBySize
    table: LineBySize

    model_config = _WITHOUT_UNDERSCORE


class TableMeasurements(FileMeasurements):
    """One table of numbers, texts and dates: its renditions, of which the Parquet file grows with it."""

    cpu_seconds: TableCpuSeconds
    renditions: int
    parquet_bytes_per_byte: float
    other_rendition_bytes: int


class OrderMeasurements(_Model):
    """One order of two renditions: the bytes of its row, and of its execution's data."""

    row_bytes: int
    execution_data_bytes: int


class Measurements(_Model):
    """See `bench/files.py`, which says how each was taken."""

    command: str
    date: str
    machine: str
    cpu_seconds: CpuSeconds
    rendition_bytes_per_megapixel: Mapping[str, float]
    animated_bytes_per_megapixel: Mapping[str, float]
    watermark_bytes_per_byte: float
    picture: FileMeasurements
    table: TableMeasurements
    order: OrderMeasurements
    function_log_line_bytes: int
    function_log_other_bytes: int


def load_measurements() -> Measurements:
    """Read the committed file."""
    values: dict[str, Any] = json.loads(MEASUREMENTS_FILE.read_text(encoding="utf-8"))
    return Measurements.model_validate(values)
