"""What the files of one family cost, line by line: pictures or tables."""

from __future__ import annotations

import math
from collections.abc import Iterator

from components.settings import Settings
from components.settings.storage import snap_started, transform_storage_mb, validate_storage_mb
from contract.memory import LEAST_STORAGE_MB
from contract.messages import Outcome
from operations.cost import prices
from operations.cost.api import upload_lines
from operations.cost.bill import DAYS_PER_MONTH, GIGABYTE, KILOBYTE, REQUESTS_PER_MESSAGE, Line, Load
from operations.cost.webhooks import delivery_lines
from operations.cost.work import VALIDATE, Work, log_bytes_per_call

# Express is billed in steps of 64 MB and 100 ms ("AWS Step Functions Pricing"); 50 MB and the payload fit into one.
EXPRESS_MEMORY_STEP_MB = 64
EXPRESS_TIME_STEP_SECONDS = 0.1
# Of logs as they are stored, compressed (example in "Amazon CloudWatch Pricing").
STORED_SHARE_OF_LOGS = 0.15
# Of the calls, those that start an environment: believed. The functions' metric ColdStart measures it.
COLD_START_SHARE = 0.01
# The jobs' index by status holds keys alone: one write when a job starts, two when its status changes.
STATUS_INDEX_WRITES = 3
# The assets' indexes, by owner and by shard, hold keys alone: one write to each when a record is put.
ASSET_INDEX_WRITES = 2


def file_lines(work: Work) -> Iterator[Line]:
    """What every file of the family costs; what the stack costs without any is not among it."""
    yield from _lambda(work)
    yield from _step_functions(work)
    yield from _storage(work)
    yield from _malware_scan(work)
    yield from upload_lines(work.settings, work.load)
    yield from _tables(work)
    yield from _messages(work)
    yield from delivery_lines(
        work.settings,
        work.load.files,
        Outcome.COMPLETED,
        log_bytes_per_call=log_bytes_per_call(work.settings, work.measured),
    )
    yield from _logs(work)


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


def express_lines(executions: float, seconds: float) -> Iterator[Line]:
    """Express executions of a length."""
    yield Line(service="Step Functions", what="executions", quantity=executions, price=prices.EXPRESS_REQUEST)
    yield Line(
        service="Step Functions",
        what=f"{seconds:.2f} s each",
        quantity=express_gb_seconds(executions, seconds),
        price=prices.EXPRESS_DURATION,
    )


def subscriber_lines(settings: Settings, messages: float, outcome: Outcome) -> Iterator[Line]:
    """Results in the queues of the subscribers that want this outcome."""
    wanted = [each for each in settings.result_subscribers.values() if not each.outcomes or outcome in each.outcomes]
    if wanted:
        yield Line(
            service="SQS",
            what=f"{len(wanted)} subscribers",
            quantity=messages * REQUESTS_PER_MESSAGE * len(wanted),
            price=prices.SQS_REQUEST,
        )


def log_lines(settings: Settings, *, functions: float, workflow: float) -> Iterator[Line]:
    """Gigabytes that functions and a workflow log."""
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


def storage_line(what: str, gigabytes: float, days: int | None) -> Line:
    """Objects in S3: gigabytes added a month, each deleted after this many days, or never."""
    return Line(
        service="S3 storage",
        what=f"{what} of {days} days" if days else f"{what} of one month; each further month adds as much",
        quantity=gigabytes * (days / DAYS_PER_MONTH if days else 1),
        price=prices.S3_STORAGE,
    )


def row_lines(what: str, gigabytes: float) -> Iterator[Line]:
    """Rows that tables keep, and their backups."""
    yield Line(service="DynamoDB", what=f"kept: {what}", quantity=gigabytes, price=prices.DYNAMODB_STORAGE)
    yield Line(service="DynamoDB", what="point-in-time recovery", quantity=gigabytes, price=prices.DYNAMODB_RECOVERY)


def malware_scan_usd(load: Load) -> float:
    """What GuardDuty asks for scanning every upload."""
    return prices.MALWARE_GIGABYTE.times(load.gigabytes) + prices.MALWARE_OBJECT.times(load.files)


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
        yield from _disk(name, files * seconds, transform_storage_mb(settings, name))
    yield from _disk("validate", files * work.validate_seconds, validate_storage_mb(settings))
    memory = snap_started(settings)
    if started := [memory[name] for name in (VALIDATE, *work.transforms) if name in memory]:
        yield Line(
            service="Lambda",
            what=f"starts from snapshots, {COLD_START_SHARE:.0%} of the calls",
            quantity=files * COLD_START_SHARE * sum(started) / 1024,
            price=prices.LAMBDA_RESTORE,
        )


def _disk(function: str, seconds: float, storage_mb: int) -> Iterator[Line]:
    """The storage in /tmp beyond what every function has."""
    if storage_mb > LEAST_STORAGE_MB:
        yield Line(
            service="Lambda",
            what=f"{storage_mb} MB of /tmp for {function}",
            quantity=seconds * (storage_mb - LEAST_STORAGE_MB) / 1024,
            price=prices.LAMBDA_STORAGE,
        )


def _step_functions(work: Work) -> Iterator[Line]:
    yield from express_lines(work.load.files, work.workflow_seconds)


def _storage(work: Work) -> Iterator[Line]:
    files = work.load.files
    yield Line(service="S3", what="uploads", quantity=files, price=prices.S3_PUT)
    yield Line(service="S3", what="renditions written", quantity=files * work.renditions, price=prices.S3_PUT)
    reads = files * work.recorded.reads
    yield Line(service="S3", what="reads by functions", quantity=reads, price=prices.S3_GET)
    lifecycle = work.settings.lifecycle
    for what, gigabytes, days in (
        ("uploads", work.load.gigabytes, lifecycle.upload_days),
        ("renditions", files * work.rendition_bytes / GIGABYTE, lifecycle.rendition_days),
    ):
        yield storage_line(what, gigabytes, days)


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
    files, run, recorded = work.load.files, work.run, work.recorded
    asset_bytes = recorded.asset_row_bytes + recorded.rendition_entry_bytes * work.renditions
    asset_units = run.asset_writes * math.ceil(asset_bytes / KILOBYTE) + ASSET_INDEX_WRITES
    # The index by file holds whole rows, so that each write counts twice.
    job_units = 2 * run.job_writes * math.ceil(recorded.job_row_bytes / KILOBYTE) + STATUS_INDEX_WRITES
    yield Line(
        service="DynamoDB", what="assets with indexes", quantity=files * asset_units, price=prices.DYNAMODB_WRITE
    )
    yield Line(
        service="DynamoDB", what="jobs and their indexes", quantity=files * job_units, price=prices.DYNAMODB_WRITE
    )
    # A read that may be a moment old is half a unit.
    yield Line(service="DynamoDB", what="deny-list", quantity=files * 0.5, price=prices.DYNAMODB_READ)
    kept_months = work.settings.job_retention_days / DAYS_PER_MONTH
    gigabytes = files * (asset_bytes + 2 * recorded.job_row_bytes * kept_months) / GIGABYTE
    yield from row_lines(f"assets of one month, jobs of {work.settings.job_retention_days} days", gigabytes)


def _messages(work: Work) -> Iterator[Line]:
    files = work.load.files
    yield Line(service="EventBridge", what="bucket events", quantity=files, price=prices.BUCKET_EVENT)
    yield Line(service="EventBridge", what="pipe", quantity=files, price=prices.PIPE_REQUEST)
    yield Line(service="SQS", what="transform queue", quantity=files * REQUESTS_PER_MESSAGE, price=prices.SQS_REQUEST)
    yield from subscriber_lines(work.settings, files, Outcome.COMPLETED)
    yield Line(service="SNS", what="results", quantity=files, price=prices.SNS_PUBLISH)


def _logs(work: Work) -> Iterator[Line]:
    files = work.load.files
    yield from log_lines(
        work.settings,
        functions=files * work.function_log_bytes / GIGABYTE,
        workflow=files * work.workflow_log_bytes / GIGABYTE,
    )
