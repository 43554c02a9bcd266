"""Starts and follows the stack's own backfill: a Distributed Map over the ingest bucket (components/backfill.py)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from operations.connection import Connection
from operations.errors import OperationError
from operations.replay import Clock

POLL_SECONDS = 5


def start(connection: Connection, prefix: str, *, run: str) -> str:
    """Start the backfill of a prefix and return its execution's ARN.

    Args:
        run: the request that finished files go through again; empty leaves them alone.
    """
    return connection.client("stepfunctions").start_execution(
        stateMachineArn=connection.outputs["backfillArn"], input=json.dumps({"prefix": prefix, "run": run})
    )["executionArn"]


def follow(
    connection: Connection, execution_arn: str, *, clock: Clock, on_progress: Callable[[int], None] = lambda _: None
) -> str:
    """Follow a backfill to its end, or until asked to stop, and return what there is to say about it.

    Args:
        on_progress: told how many files have been handled.

    Raises:
        OperationError: the backfill failed, for example because more than the tolerated part of it did.
    """
    states = connection.client("stepfunctions")
    while True:
        execution = states.describe_execution(executionArn=execution_arn)
        counts = _item_counts(states, execution_arn)
        on_progress(counts["succeeded"] + counts["failed"])
        report = f"{execution['status']}: {counts['succeeded']} of {counts['total']} handled, {counts['failed']} failed"
        if execution["status"] in ("FAILED", "TIMED_OUT", "ABORTED"):
            raise OperationError(f"backfill {report}: {execution.get('error', '')} {execution.get('cause', '')}")
        if execution["status"] == "SUCCEEDED" or clock.requested:
            return f"{report}; results under s3://{connection.outputs['processedBucket']}/backfill/"
        clock.sleep(POLL_SECONDS)


def _item_counts(states: Any, execution_arn: str) -> dict[str, int]:
    counts = {"total": 0, "succeeded": 0, "failed": 0}
    for run in states.list_map_runs(executionArn=execution_arn)["mapRuns"]:
        items = states.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
        counts["total"] += items["total"]
        counts["succeeded"] += items["succeeded"]
        counts["failed"] += items["failed"] + items["timedOut"] + items["aborted"]
    return counts
