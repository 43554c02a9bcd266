"""A stack's own backfill is started with its prefix and followed to its report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber
from typer.testing import CliRunner

from client.audit import _Log
from client.backfill import follow
from client.clients import aws_clients
from client.errors import PipelineError
from client.pipeline import Pipeline
from operations.commands import backfill
from testing.outputs import outputs_with
from tests.operations.simulated_queue import VirtualClock

MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:img-pipeline-prod-backfill"
EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:img-pipeline-prod-backfill:one"
MAP_RUN = "arn:aws:states:eu-west-1:111122223333:mapRun:img-pipeline-prod-backfill/EnqueueAll:one"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    outputs = outputs_with(backfill_arn=MACHINE, processed_bucket="processed", log_groups={"audit": "audit"})
    return Pipeline(stack="prod", outputs=outputs, client=aws_clients("eu-west-1"))


@pytest.fixture
def aws(connection: Pipeline) -> Iterator[Stubber]:
    with Stubber(connection.client("stepfunctions")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def report(aws: Stubber, status: str, **counts: int) -> None:
    """What the next look at the execution finds."""
    names = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten")
    items = dict.fromkeys(names, 0) | counts
    described = {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "status": status, "startDate": NOW}
    run = {"mapRunArn": MAP_RUN, "executionArn": EXECUTION, "stateMachineArn": MACHINE, "startDate": NOW}
    aws.add_response("describe_execution", described | ({"error": "TooMany"} if status == "FAILED" else {}))
    aws.add_response("list_map_runs", {"mapRuns": [run]}, {"executionArn": EXECUTION})
    aws.add_response(
        "describe_map_run",
        {
            "mapRunArn": MAP_RUN,
            "executionArn": EXECUTION,
            "status": "RUNNING",
            "startDate": NOW,
            "maxConcurrency": 50,
            "toleratedFailurePercentage": 1,
            "toleratedFailureCount": 0,
            "itemCounts": items,
            "executionCounts": items,
        },
        {"mapRunArn": MAP_RUN},
    )


def test_backfill_execution_is_followed_until_it_ends(connection: Pipeline, aws: Stubber) -> None:
    report(aws, "RUNNING", total=1000, succeeded=400)
    report(aws, "SUCCEEDED", total=1000, succeeded=990, failed=10)
    seen: list[int] = []

    said = follow(connection, EXECUTION, clock=VirtualClock(), on_progress=seen.append)

    assert said == "SUCCEEDED: 990 of 1000 handled, 10 failed; results under s3://processed/backfill/"
    assert seen == [400, 1000]


def test_interrupting_the_command_does_not_stop_the_execution(connection: Pipeline, aws: Stubber) -> None:
    clock = VirtualClock()
    clock.requested = True
    report(aws, "RUNNING", total=1000, succeeded=400)

    assert follow(connection, EXECUTION, clock=clock).startswith("RUNNING: 400 of 1000 handled")


def test_more_failures_than_tolerated_are_an_error(connection: Pipeline, aws: Stubber) -> None:
    report(aws, "FAILED", total=1000, succeeded=400, failed=600)

    with pytest.raises(PipelineError, match="FAILED: 400 of 1000 handled, 600 failed: TooMany"):
        follow(connection, EXECUTION, clock=VirtualClock())


def test_command_starts_a_backfill_of_uploads_only_and_when_confirmed(
    connection: Pipeline, aws: Stubber, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(backfill, "connect", lambda *_, **__: connection)
    written: list[Any] = []
    monkeypatch.setattr(_Log, "write", lambda _, line: written.append(line))
    monkeypatch.setattr(_Log, "who", {})
    refused = CliRunner().invoke(backfill.app, ["--prefix", "processed/", "--yes"])
    assert "processes uploads/ only" in str(refused.exception)
    said = CliRunner().invoke(backfill.app, ["--prefix", "uploads/2026/"]).stdout
    assert "nothing was changed" in said
    assert written == []

    started = {"executionArn": EXECUTION, "startDate": NOW}
    wanted = {"stateMachineArn": MACHINE, "input": json.dumps({"prefix": "uploads/2026/", "run": ""})}
    aws.add_response("start_execution", started, wanted)
    report(aws, "SUCCEEDED", total=3, succeeded=3)
    said = CliRunner().invoke(backfill.app, ["--prefix", "uploads/2026/", "--yes"]).stdout

    assert f"started {EXECUTION}" in said
    assert "SUCCEEDED: 3 of 3 handled" in said
    assert [line["event"] for line in written] == ["started", "completed"]
