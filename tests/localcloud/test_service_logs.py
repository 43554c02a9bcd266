"""State machines and pipes log at their level, in the format of AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.emulator import Emulator
from testing.waiting import eventually
from tests.localcloud.workbench import Workbench, send_to

pytest_plugins = ["localcloud.pytest_fixture"]

FAILS = {"Start": {"Type": "Pass", "Next": "Broken"}, "Broken": {"Type": "Fail", "Error": "Broken", "Cause": "no luck"}}
SUCCEEDS = {"Start": {"Type": "Succeed"}}


@pytest.fixture
def bench(cloud: Emulator) -> Workbench:
    return Workbench(cloud)


def log_group(bench: Workbench) -> tuple[str, str]:
    """Create a log group; return its name and ARN."""
    name = f"/aws/vendedlogs/{bench.name('group')}"
    bench.cloud.client("logs").create_log_group(logGroupName=name)
    return name, f"arn:aws:logs:{bench.cloud.region}:{bench.cloud.account_id}:log-group:{name}:*"


def logged(bench: Workbench, group: str) -> list[dict[str, Any]]:
    events = bench.cloud.client("logs").filter_log_events(logGroupName=group)["events"]
    return [json.loads(event["message"]) for event in events]


def run_logged(bench: Workbench, states: dict[str, Any], level: str, *, data: bool = False) -> list[dict[str, Any]]:
    """Return the log of one execution of a state machine with a log level."""
    group, arn = log_group(bench)
    machine = bench.workflow(states)
    destinations = [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}]
    bench.cloud.client("stepfunctions").update_state_machine(
        stateMachineArn=machine,
        loggingConfiguration={"level": level, "includeExecutionData": data, "destinations": destinations},
    )
    bench.run(machine, {"a": 1})
    return logged(bench, group)


@pytest.mark.parametrize(
    ("level", "types"),
    [
        ("ALL", ["ExecutionStarted", "PassStateEntered", "PassStateExited", "FailStateEntered", "ExecutionFailed"]),
        ("ERROR", ["FailStateEntered", "ExecutionFailed"]),
        ("FATAL", ["ExecutionFailed"]),
        ("OFF", []),
    ],
)
def test_failed_execution_is_logged_at_the_machines_level(bench: Workbench, level: str, types: list[str]) -> None:
    assert [event["type"] for event in run_logged(bench, FAILS, level)] == types


def test_successful_execution_logs_no_error(bench: Workbench) -> None:
    assert run_logged(bench, SUCCEEDS, "ERROR") == []


def test_event_has_the_shape_that_step_functions_writes(bench: Workbench) -> None:
    *_, failed = run_logged(bench, FAILS, "ALL")
    assert failed["details"] == {"error": "Broken", "cause": "no luck"}
    assert set(failed) == {"id", "type", "details", "previous_event_id", "event_timestamp", "execution_arn"}
    assert int(failed["previous_event_id"]) == int(failed["id"]) - 1
    assert ":express:" in failed["execution_arn"]


def test_inputs_and_outputs_are_logged_only_with_execution_data(bench: Workbench) -> None:
    with_data, without = (run_logged(bench, SUCCEEDS, "ALL", data=data) for data in (True, False))
    assert json.loads(with_data[0]["details"]["input"]) == {"a": 1}
    assert "input" not in without[0]["details"]
    assert [event["type"] for event in with_data] == [event["type"] for event in without]


@pytest.mark.parametrize(
    ("level", "states", "steps"),
    [
        ("ERROR", FAILS, ["TargetInvocationFailed", "ExecutionFailed"]),
        ("ERROR", SUCCEEDS, []),
        ("INFO", SUCCEEDS, ["ExecutionStarted", "ExecutionSucceeded"]),
        ("OFF", FAILS, []),
    ],
)
def test_pipe_logs_at_its_level(bench: Workbench, level: str, states: dict[str, Any], steps: list[str]) -> None:
    group, arn = log_group(bench)
    done = bench.queue()
    notify = {name: value for name, value in send_to(done).items() if name != "End"} | {"Next": "Start"}
    target = bench.workflow({"Notify": notify, **states}, ("sqs:SendMessage", done.arn))
    source = bench.queue()
    pipe = bench.pipe(source, target)
    pipes = bench.cloud.client("pipes")
    # New settings also apply to a pipe that is already waiting for messages.
    eventually(lambda: pipes.describe_pipe(Name=pipe)["CurrentState"] == "RUNNING", "the pipe's start")
    pipes.update_pipe(
        Name=pipe,
        RoleArn=bench.pipe_role(source, target),
        LogConfiguration={"Level": level, "CloudwatchLogsLogDestination": {"LogGroupArn": arn.removesuffix(":*")}},
    )
    source.send({"a": 1})
    done.receive()
    if steps:
        eventually(lambda: len(logged(bench, group)) >= len(steps), "the pipe's log")
    else:
        pipes.stop_pipe(Name=pipe)
        eventually(lambda: pipes.describe_pipe(Name=pipe)["CurrentState"] == "STOPPED", "the pipe's end")
    records = logged(bench, group)
    assert [record["messageType"] for record in records][: len(steps)] == steps
    assert bool(records) == bool(steps)
    assert {record["resourceArn"].rsplit("/", 1)[-1] for record in records} <= {pipe}
