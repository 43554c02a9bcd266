"""Patches of the emulator, one module per service: the only code that uses MiniStack's internals.

Each patch names the gap that it closes; `tests/localcloud/test_upstream_gaps.py` fails when upstream has closed it.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from ministack.core import lambda_runtime

from localcloud.faults import FaultPlan
from localcloud.patches import (
    apigateway,
    cloudwatch,
    cognito,
    dynamodb,
    eventbridge,
    faults,
    iam,
    lambda_,
    logs,
    move_tasks,
    pipes,
    s3,
    secretsmanager,
    sns,
    sqs,
    stepfunctions,
)
from localcloud.patches.observers import ObjectCreated, RecordLogLine, RecordMetric

# Internals change without notice, so the patches require this version.
MINISTACK_VERSION = "1.5.33"


def install(
    journal: Path,
    record_metric: RecordMetric,
    record_log_line: RecordLogLine,
    object_created: ObjectCreated,
    plan: FaultPlan,
) -> None:
    """Apply every patch. Call once, before the first request.

    Args:
        journal: file that receives one JSON line for each authorization decision about a role's call.
        record_metric: called with the data points of executions and functions.
        record_log_line: called with each line that a function logs.
        object_created: called with the event detail of each new object.
        plan: the faults to inject into the services.

    Raises:
        RuntimeError: the patches do not support the installed version of the emulator.
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
    secretsmanager.install()
    lambda_.install(record_metric, record_log_line)
    stepfunctions.install(record_metric)
    cloudwatch.install()
    cognito.install()
    logs.install(record_metric)
    apigateway.install(record_metric)
    faults.install(plan)


def halt_executions() -> None:
    """Let no workflow do anything more."""
    stepfunctions.halt()


def stop_workers() -> None:
    """End every Lambda worker process."""
    lambda_runtime.reset()
