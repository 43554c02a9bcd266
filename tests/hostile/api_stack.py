"""What the API's functions call: tables with a few rows, buckets, queues and a workflow, in the embedded cloud."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from contract import orders
from localcloud.emulator import Emulator
from tests.hostile.requests import FILE_KEY, JOB, ORDER, PENDING_JOB
from tests.unit.api.conftest import (
    Api,
    api_environment,
    make_buckets,
    make_queues,
    make_table,
    make_tables,
    operator_environment,
)
from tests.unit.api.rows import TIME, asset_row, job_row

_WORKFLOW = {"StartAt": "Taken", "States": {"Taken": {"Type": "Succeed"}}}
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
_AUDIT = "audit"


@contextmanager
def api_stack() -> Iterator[dict[str, str]]:
    """Run it in the embedded cloud.

    Returns:
        The functions' variables.
    """
    with Emulator.start() as cloud:
        make_tables(cloud)
        make_buckets(cloud)
        for name, time in (("orders", "createdAt"), ("failed-orders", "failedAt")):
            by_status = ("status", time, {"ProjectionType": "KEYS_ONLY"})
            by_owner = ("owner", time, {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["status"]})
            make_table(cloud, name, "orderId", {orders.STATUS_INDEX: by_status, orders.OWNER_INDEX: by_owner})
        _write_rows(Api(cloud=cloud, monkeypatch=pytest.MonkeyPatch()))
        cloud.client("logs").create_log_group(logGroupName=_AUDIT)
        role = cloud.client("iam").create_role(RoleName="orders", AssumeRolePolicyDocument=json.dumps(_TRUST))
        machine = cloud.client("stepfunctions").create_state_machine(
            name="orders", type="EXPRESS", definition=json.dumps(_WORKFLOW), roleArn=role["Role"]["Arn"]
        )
        yield {
            **api_environment(cloud),
            **operator_environment(make_queues(cloud, "hostile"), _AUDIT),
            "ORDERS_TABLE": "orders",
            "FAILED_ORDERS_TABLE": "failed-orders",
            "ORDER_MACHINE_ARN": machine["stateMachineArn"],
        }


def _write_rows(api: Api) -> None:
    api.put_row("jobs", job_row(JOB, fileKey=FILE_KEY))
    api.put_row("jobs", job_row(PENDING_JOB, status="PENDING", stage=None, stages=None, finishedAt=None))
    api.put_row("assets", asset_row(FILE_KEY, jobId=JOB))
    order = {"orderId": ORDER, "owner": "alice", "fileKey": FILE_KEY, "reference": "", "renditions": []}
    order |= {"code": "CORRUPT", "reason": "It is damaged.", "hint": "Upload it again."}
    api.put_row("orders", {**order, "status": "FAILED", "createdAt": TIME, "updatedAt": TIME})
    api.put_row("failed-orders", {**order, "status": "OPEN", "failedAt": TIME, "attempts": 3})
