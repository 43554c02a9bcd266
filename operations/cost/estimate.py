"""What a stack costs a month, line by line: quantity, price, and whose setting it follows from.

Counted is an accepted file that needs no retry; cold starts, rejected files, requests by the files' readers and data
transfer to the internet are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.settings import Settings, TransformFunction
from contract.renditions import ATTENTION
from operations.cost import prices
from operations.cost.api import api_lines
from operations.cost.bill import (
    DAYS_PER_MONTH,
    GIGABYTE,
    IDLE_POLLS_PER_MONTH,
    MEGABYTE,
    REQUESTS_PER_MESSAGE,
    Line,
    Load,
)
from operations.cost.measurements import Measurements
from operations.cost.orders import order_lines
from operations.cost.prices import MILLION
from operations.cost.webhooks import webhook_lines
from operations.cost.workflow import MEASURED_TYPE, WorkflowRun, workflow_run

KILOBYTE = 1024

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
# Express is billed in steps of 64 MB and 100 ms ("AWS Step Functions Pricing"); 50 MB and the payload fit into one.
EXPRESS_MEMORY_STEP_MB = 64
EXPRESS_TIME_STEP_SECONDS = 0.1

# A logged event without its data: ids, names, times, the execution's ARN; and what CloudWatch Logs adds to each.
WORKFLOW_EVENT_BYTES = 310 + 26
# Of logs as they are stored, compressed (example in "Amazon CloudWatch Pricing").
STORED_SHARE_OF_LOGS = 0.15
# The jobs' index by status holds keys alone: one write when a job starts, two when its status changes.
STATUS_INDEX_WRITES = 3
# The assets' indexes, by owner and by shard, hold keys alone: one write to each when a record is put.
ASSET_INDEX_WRITES = 2
# X-Ray's default rule: the first each second, and this share of the rest ("Configuring sampling rules").
SAMPLED_SHARE = 0.05

METRICS_PER_FUNCTION = 2  # Duration and ColdStart
ALARM_METRICS_PER_FUNCTION = 4  # two alarms, each over two metrics
ALARM_METRICS_PER_SUBSCRIBER = 1
OTHER_ALARM_METRICS = 26
API_ALARM_METRICS = 6  # three alarms, each over two metrics
REFUSED_CALLS_METRICS = 1
ORDER_ALARM_METRICS = 10  # three of the queues, three of the workflow, and two of each table
WEBHOOK_ALARM_METRICS = 3  # the dead-letter queue, and two of a queue that is not consumed


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What one stack costs a month under a load."""

    settings: Settings
    load: Load
    lines: tuple[Line, ...]

    @property
    def usd(self) -> float:
        """US dollars a month, for everything."""
        return sum(line.usd for line in self.lines)

    @property
    def by_service(self) -> dict[str, float]:
        """US dollars a month by service, the costliest first."""
        totals: dict[str, float] = {}
        for line in self.lines:
            totals[line.service] = totals.get(line.service, 0.0) + line.usd
        return dict(sorted(totals.items(), key=lambda item: -item[1]))

    def per_million_files(self, usd: float) -> float:
        """A month's dollars as dollars per million files."""
        return usd * MILLION / self.load.files


def estimate(settings: Settings, load: Load, measured: Measurements, core_speed: float = CORE_SPEED) -> Estimate:
    """Price a stack.

    Args:
        settings: the stack's.
        load: the uploads.
        measured: what a file takes.
        core_speed: how fast Lambda's core is beside the measured one.
    """
    work = Work(settings=settings, load=load, measured=measured, core_speed=core_speed)
    lines = (
        *_lambda(work),
        *_step_functions(work),
        *_storage(work),
        *_malware_scan(work),
        *api_lines(settings, load),
        *order_lines(settings),
        *webhook_lines(settings, load, log_bytes_per_call=work.log_bytes_per_call),
        *_tables(work),
        *_messages(work),
        *_logs(work),
        *_monitoring(work),
        *_fixed_costs(work),
    )
    return Estimate(settings=settings, load=load, lines=lines)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one file takes under a stack's settings."""

    settings: Settings
    load: Load
    measured: Measurements
    core_speed: float

    @property
    def transforms(self) -> dict[str, TransformFunction]:
        """What runs on a file, by name."""
        return self.settings.transforms_of(MEASURED_TYPE)

    @property
    def _presets(self) -> list[dict[str, Any]]:
        """What thumbnail makes of a file."""
        thumbnail = self.transforms.get("thumbnail")
        return list(thumbnail.settings["presets"].values()) if thumbnail else []

    @property
    def run(self) -> WorkflowRun:
        """What the workflow does for a file."""
        return workflow_run(self.settings)

    @property
    def rendition_bytes(self) -> float:
        """Bytes written to the processed bucket."""
        scaled = sum(
            self.measured.rendition_bytes_per_megapixel[name] * _megapixels(preset)
            for preset in self._presets
            for name in preset["formats"]
        )
        watermarked = self.measured.watermark_bytes_per_byte * self.load.megabytes * MEGABYTE
        return scaled + watermarked * ("watermark" in self.transforms)

    @property
    def renditions(self) -> int:
        """Objects written to the processed bucket."""
        return sum(map(self.writes, self.transforms))

    def writes(self, function: str) -> int:
        """Objects that one function writes."""
        match function:
            case "thumbnail":
                return sum(len(preset["formats"]) for preset in self._presets)
            case "watermark":
                return 1
            case _:
                return 0

    def cpu_seconds(self, function: str) -> float:
        """Seconds of one whole core of Lambda; what was not measured is taken for as costly as metadata."""
        measured, megabytes = self.measured.cpu_seconds, self.load.megabytes
        match function:
            case "validate":
                seconds = measured.validate_.of(megabytes)
            case "watermark":
                seconds = measured.watermark.of(megabytes)
            case "thumbnail":
                seconds = measured.thumbnail.of(megabytes) + sum(
                    measured.per_rendition_megapixel[name] * _megapixels(preset)
                    + measured.per_attention * (preset.get("focalPoint") == ATTENTION)
                    for preset in self._presets
                    for name in preset["formats"]
                )
            case _:
                seconds = measured.metadata.of(megabytes)
        return seconds / self.core_speed

    def seconds(self, function: str, memory_mb: int) -> float:
        """Billed duration of one call."""
        cores = min(1.0, memory_mb / MEGABYTES_PER_CORE)
        transfer = self.load.megabytes / S3_MEGABYTES_PER_SECOND + S3_REQUEST_SECONDS * (1 + self.writes(function))
        return self.cpu_seconds(function) / cores + transfer

    @property
    def validate_seconds(self) -> float:
        """Billed duration of validate."""
        return self.seconds("validate", self.settings.validate_.memory_mb)

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
        if self.settings.workflow_log_level != "ALL":
            return 0.0
        events = self.run.log_events * WORKFLOW_EVENT_BYTES
        data = self.measured.execution_data_bytes + self.run.argument_bytes
        return events + data * self.settings.workflow_log_data

    @property
    def log_bytes_per_call(self) -> float:
        """Bytes that one call of a function logs."""
        own = self.measured.function_log_line_bytes * (self.settings.function_log_level in ("DEBUG", "INFO"))
        return own + self.measured.function_log_other_bytes

    @property
    def function_log_bytes(self) -> float:
        """Bytes that the functions log about a file."""
        return self.function_count * self.log_bytes_per_call


def express_usd(executions: float, seconds: float, memory_mb: int = EXPRESS_MEMORY_STEP_MB) -> float:
    """What Express executions of a length cost."""
    return prices.EXPRESS_REQUEST.times(executions) + prices.EXPRESS_DURATION.times(
        express_gb_seconds(executions, seconds, memory_mb)
    )


def express_gb_seconds(executions: float, seconds: float, memory_mb: int = EXPRESS_MEMORY_STEP_MB) -> float:
    """What is billed: time and memory in whole steps."""
    # Rounding first keeps 1.6 / 0.1 from counting as seventeen steps.
    billed_seconds = math.ceil(round(seconds / EXPRESS_TIME_STEP_SECONDS, 6)) * EXPRESS_TIME_STEP_SECONDS
    billed_mb = math.ceil(memory_mb / EXPRESS_MEMORY_STEP_MB) * EXPRESS_MEMORY_STEP_MB
    return executions * billed_seconds * billed_mb / 1024


def standard_usd(executions: float, transitions: int) -> float:
    """What the same executions would cost in a Standard workflow."""
    return prices.STANDARD_TRANSITION.times(executions * transitions)


def lambda_usd(requests: float, gb_seconds: float, architecture: str) -> float:
    """What calls of functions cost."""
    return prices.LAMBDA_REQUEST.times(requests) + prices.LAMBDA_DURATION[architecture].times(gb_seconds)


def malware_scan_usd(load: Load) -> float:
    """What GuardDuty asks for scanning every upload."""
    return prices.MALWARE_GIGABYTE.times(load.gigabytes) + prices.MALWARE_OBJECT.times(load.files)


def traces_per_month(files: float) -> float:
    """Executions that X-Ray's default rule samples, if they come evenly over the month."""
    first = min(files, prices.SECONDS_PER_MONTH)
    return first + SAMPLED_SHARE * (files - first)


def _lambda(work: Work) -> Iterator[Line]:
    settings, files = work.settings, work.load.files
    duration = prices.LAMBDA_DURATION[settings.architecture]
    yield Line(service="Lambda", what="calls", quantity=files * work.function_count, price=prices.LAMBDA_REQUEST)
    warm = settings.validate_.provisioned_concurrency
    yield Line(
        service="Lambda",
        what=f"validate, {work.validate_seconds:.2f} s at {settings.validate_.memory_mb} MB",
        quantity=files * work.validate_seconds * settings.validate_.memory_mb / 1024,
        price=prices.LAMBDA_PROVISIONED_DURATION[settings.architecture] if warm else duration,
    )
    for name, transform in work.transforms.items():
        seconds = work.transform_seconds(name)
        yield Line(
            service="Lambda",
            what=f"{name}, {seconds:.2f} s at {transform.memory_mb} MB",
            quantity=files * seconds * transform.memory_mb / 1024,
            price=duration,
        )
    if warm:
        yield Line(
            service="Lambda",
            what=f"validate kept warm {warm} times",
            quantity=warm * prices.SECONDS_PER_MONTH * settings.validate_.memory_mb / 1024,
            price=prices.LAMBDA_PROVISIONED[settings.architecture],
        )


def _step_functions(work: Work) -> Iterator[Line]:
    files, seconds = work.load.files, work.workflow_seconds
    yield Line(service="Step Functions", what="executions", quantity=files, price=prices.EXPRESS_REQUEST)
    yield Line(
        service="Step Functions",
        what=f"{seconds:.2f} s each",
        quantity=express_gb_seconds(files, seconds),
        price=prices.EXPRESS_DURATION,
    )


def _storage(work: Work) -> Iterator[Line]:
    files = work.load.files
    yield Line(service="S3", what="uploads", quantity=files, price=prices.S3_PUT)
    yield Line(service="S3", what="renditions written", quantity=files * work.renditions, price=prices.S3_PUT)
    reads = files * work.measured.reads_per_file
    yield Line(service="S3", what="reads by functions", quantity=reads, price=prices.S3_GET)
    lifecycle = work.settings.lifecycle
    for what, gigabytes, days in (
        ("uploads", work.load.gigabytes, lifecycle.upload_days),
        ("renditions", files * work.rendition_bytes / GIGABYTE, lifecycle.rendition_days),
    ):
        yield Line(
            service="S3 storage",
            what=f"{what} of {days} days" if days else f"{what} of one month; each further month adds as much",
            quantity=gigabytes * (days / DAYS_PER_MONTH if days else 1),
            price=prices.S3_STORAGE,
        )


def _malware_scan(work: Work) -> Iterator[Line]:
    if not work.settings.malware_scan:
        return
    load = work.load
    yield Line(service="GuardDuty", what="uploads scanned", quantity=load.gigabytes, price=prices.MALWARE_GIGABYTE)
    yield Line(service="GuardDuty", what="objects scanned", quantity=load.files, price=prices.MALWARE_OBJECT)
    yield Line(service="S3", what="reads by GuardDuty", quantity=load.files, price=prices.S3_GET)
    yield Line(service="S3", what="tags by GuardDuty", quantity=load.files, price=prices.S3_PUT)
    # S3 asks as much for a list as for a PUT.
    yield Line(service="S3", what="lists of versions", quantity=load.files, price=prices.S3_PUT)


def _tables(work: Work) -> Iterator[Line]:
    files, run, measured = work.load.files, work.run, work.measured
    asset_bytes = measured.asset_row_bytes + measured.rendition_entry_bytes * work.renditions
    asset_units = run.asset_writes * math.ceil(asset_bytes / KILOBYTE) + ASSET_INDEX_WRITES
    # The index by file holds whole rows, so that each write counts twice.
    job_units = 2 * run.job_writes * math.ceil(measured.job_row_bytes / KILOBYTE) + STATUS_INDEX_WRITES
    yield Line(
        service="DynamoDB", what="assets with indexes", quantity=files * asset_units, price=prices.DYNAMODB_WRITE
    )
    yield Line(
        service="DynamoDB", what="jobs and their indexes", quantity=files * job_units, price=prices.DYNAMODB_WRITE
    )
    # A read that may be a moment old is half a unit.
    yield Line(service="DynamoDB", what="deny-list", quantity=files * 0.5, price=prices.DYNAMODB_READ)
    kept_months = work.settings.job_retention_days / DAYS_PER_MONTH
    gigabytes = files * (asset_bytes + 2 * measured.job_row_bytes * kept_months) / GIGABYTE
    rows = f"kept: assets of one month, jobs of {work.settings.job_retention_days} days"
    yield Line(service="DynamoDB", what=rows, quantity=gigabytes, price=prices.DYNAMODB_STORAGE)
    yield Line(service="DynamoDB", what="point-in-time recovery", quantity=gigabytes, price=prices.DYNAMODB_RECOVERY)


def _messages(work: Work) -> Iterator[Line]:
    files, subscribers = work.load.files, len(work.settings.result_subscribers)
    yield Line(service="EventBridge", what="bucket events", quantity=files, price=prices.BUCKET_EVENT)
    yield Line(service="EventBridge", what="pipe", quantity=files, price=prices.PIPE_REQUEST)
    yield Line(service="SQS", what="transform queue", quantity=files * REQUESTS_PER_MESSAGE, price=prices.SQS_REQUEST)
    yield Line(service="SQS", what="polls of the idle queue", quantity=IDLE_POLLS_PER_MONTH, price=prices.SQS_REQUEST)
    if subscribers:
        yield Line(
            service="SQS",
            what=f"{subscribers} subscribers",
            quantity=files * REQUESTS_PER_MESSAGE * subscribers,
            price=prices.SQS_REQUEST,
        )
    yield Line(service="SNS", what="results", quantity=files, price=prices.SNS_PUBLISH)


def _logs(work: Work) -> Iterator[Line]:
    settings, files = work.settings, work.load.files
    functions = files * work.function_log_bytes / GIGABYTE
    workflow = files * work.workflow_log_bytes / GIGABYTE
    yield Line(
        service="CloudWatch Logs",
        what=f"functions at {settings.function_log_level}",
        quantity=functions,
        price=prices.LOG_INGESTION,
    )
    if workflow:
        data = "with" if settings.workflow_log_data else "without"
        yield Line(
            service="CloudWatch Logs",
            what=f"workflow at {settings.workflow_log_level} {data} data",
            quantity=workflow,
            price=prices.LOG_INGESTION,
        )
    kept = (functions + workflow) * settings.log_retention_days / DAYS_PER_MONTH
    yield Line(
        service="CloudWatch Logs",
        what=f"kept {settings.log_retention_days} days",
        quantity=kept * STORED_SHARE_OF_LOGS,
        price=prices.LOG_STORAGE,
    )


def _monitoring(work: Work) -> Iterator[Line]:
    functions = work.function_count
    yield Line(
        service="CloudWatch",
        what="functions' own metrics",
        quantity=functions * METRICS_PER_FUNCTION,
        price=prices.CUSTOM_METRIC,
    )
    yield Line(
        service="CloudWatch",
        what="metrics that alarms watch",
        quantity=alarm_metrics(work.settings),
        price=prices.ALARM_METRIC,
    )
    yield Line(service="CloudWatch", what="paging alarm", quantity=1, price=prices.COMPOSITE_ALARM)
    yield Line(service="CloudWatch", what="dashboard", quantity=1, price=prices.DASHBOARD)
    if work.settings.tracing:
        yield Line(
            service="X-Ray", what="sampled executions", quantity=traces_per_month(work.load.files), price=prices.TRACE
        )


def alarm_metrics(settings: Settings) -> int:
    """Metrics in all alarms together; each is paid for."""
    api = API_ALARM_METRICS + REFUSED_CALLS_METRICS * (settings.api.auth == "jwt") if settings.api.enabled else 0
    return (
        OTHER_ALARM_METRICS
        + api
        + WEBHOOK_ALARM_METRICS * settings.has_webhooks
        + ORDER_ALARM_METRICS * settings.has_orders
        + ALARM_METRICS_PER_FUNCTION * len(settings.function_layers)
        + ALARM_METRICS_PER_SUBSCRIBER * len(settings.result_subscribers)
    )


def _fixed_costs(work: Work) -> Iterator[Line]:
    """What is paid for by the hour, files or none."""
    settings = work.settings
    if settings.encryption == "kms" and not settings.kms_key_arn:
        # With bucket keys and cached data keys, the number of requests is negligible.
        yield Line(service="KMS", what="the stack's key", quantity=1, price=prices.KMS_KEY)
    if settings.vpc and settings.vpc.interface_endpoints:
        endpoints, zones = len(settings.vpc.interface_endpoints), len(settings.vpc.subnet_ids)
        yield Line(
            service="PrivateLink",
            what=f"{endpoints} endpoints in {zones} zones",
            quantity=endpoints * zones * prices.HOURS_PER_MONTH,
            price=prices.ENDPOINT_HOUR,
        )


def _megapixels(preset: Mapping[str, Any]) -> float:
    """Of the preset's rendition of a 3:2 picture that is larger."""
    width, height = preset["width"], preset.get("height", math.inf)
    if preset.get("fit") == "cover":
        return width * height / MILLION
    width = min(width, 1.5 * height)
    return width * width / 1.5 / MILLION
