"""What the emulator lacks, one module a service: the only code that touches MiniStack's internals.

Each patch says which gap it fills; `tests/localcloud/test_upstream_gaps.py` goes red when upstream has filled it.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from ministack.core import lambda_runtime

from localcloud.patches import (
    cloudwatch,
    dynamodb,
    eventbridge,
    iam,
    lambda_,
    logs,
    move_tasks,
    pipes,
    s3,
    sns,
    sqs,
    stepfunctions,
)
from localcloud.patches.observers import ObjectCreated, RecordLogLine, RecordMetric

# Internals move without notice, so the patches belong to one version.
MINISTACK_VERSION = "1.5.33"


def install(
    journal: Path, record_metric: RecordMetric, record_log_line: RecordLogLine, object_created: ObjectCreated
) -> None:
    """Apply every patch. Call once, before the first request.

    Args:
        journal: file that gets one JSON line for each authorization decision about a role's call.
        record_metric: where observations of executions and functions go.
        record_log_line: where lines go that functions log.
        object_created: told of each new object.

    Raises:
        RuntimeError: the installed emulator is not the version these patches are written for.
    """
    installed = version("ministack")
    if installed != MINISTACK_VERSION:
        raise RuntimeError(
            f"ministack {installed} is installed, but the patches are for {MINISTACK_VERSION}: make setup"
        )
    iam.install(journal)
    s3.install(object_created)
    eventbridge.install(record_metric)
    pipes.install()
    sqs.install()
    move_tasks.install()
    dynamodb.install()
    sns.install()
    lambda_.install(record_metric, record_log_line)
    stepfunctions.install(record_metric)
    cloudwatch.install()
    logs.install()


def stop_workers() -> None:
    """End every Lambda worker process."""
    lambda_runtime.reset()
