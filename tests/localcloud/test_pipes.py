"""A pipe starts its workflow once per message; a message whose workflow fails stays on the queue."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from localcloud.emulator import Emulator
from testing.waiting import eventually
from tests.localcloud.workbench import Queue, Workbench, call_function, send_to

pytest_plugins = ["localcloud.pytest_fixture"]

FAIL = {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}
TEMPLATE = '{"id": <$.messageId>, "count": <$.attributes.ApproximateReceiveCount>, "event": <$.body>}'


@pytest.fixture
def bench(cloud: Emulator) -> Workbench:
    return Workbench(cloud)


def forwarding(bench: Workbench) -> tuple[str, Queue]:
    """Create a workflow that sends its input to a queue."""
    received = bench.queue()
    return bench.workflow({"Send": send_to(received)}, ("sqs:SendMessage", received.arn)), received


def metric_total(cloud: Emulator, pipe: str, name: str) -> float:
    statistics = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/EventBridge/Pipes",
        MetricName=name,
        Dimensions=[{"Name": "PipeName", "Value": pipe}],
        StartTime=time.time() - 600,
        EndTime=time.time() + 60,
        Period=3600,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in statistics["Datapoints"])


def test_a_message_is_rendered_by_the_template_and_deleted_after_the_workflow(bench: Workbench) -> None:
    source = bench.queue()
    workflow, received = forwarding(bench)
    pipe = bench.pipe(source, workflow, InputTemplate=TEMPLATE)
    key = 'uploads/ünï + "x".jpg'
    message_id = source.send({"detail": {"object": {"key": key}}})

    (delivered,) = json.loads(received.receive()["Body"])
    assert delivered == {"id": message_id, "count": "1", "event": {"detail": {"object": {"key": key}}}}
    eventually(lambda: source.depth() == (0, 0))
    eventually(lambda: metric_total(bench.cloud, pipe, "Invocations") == 1)
    assert metric_total(bench.cloud, pipe, "ExecutionFailed") == 0


def test_without_a_template_the_input_is_the_sqs_event(bench: Workbench) -> None:
    source = bench.queue()
    workflow, received = forwarding(bench)
    bench.pipe(source, workflow)
    source.send({"a": 1})

    (event,) = json.loads(received.receive()["Body"])
    assert event["body"] == '{"a": 1}'
    assert event["eventSource"] == "aws:sqs"
    assert event["eventSourceARN"] == source.arn


def test_a_message_that_always_fails_is_moved_to_the_dead_letter_queue_unchanged(bench: Workbench) -> None:
    source, dlq = bench.queue_with_dlq(max_receive_count=2)
    pipe = bench.pipe(source, bench.workflow({"Fail": FAIL}))
    source.send({"poison": True})

    dead = dlq.receive()
    assert json.loads(dead["Body"]) == {"poison": True}
    # Two by the pipe, and this one.
    assert dead["Attributes"]["ApproximateReceiveCount"] == "3"
    assert source.depth() == (0, 0)
    eventually(lambda: metric_total(bench.cloud, pipe, "ExecutionFailed") == 2)


def test_a_timed_out_workflow_counts_as_a_timeout_and_keeps_the_message(bench: Workbench) -> None:
    source = bench.queue()
    wait = {"Type": "Wait", "Seconds": 20, "End": True}
    pipe = bench.pipe(source, bench.workflow({"Wait": wait}, timeout_seconds=1))
    source.send({})

    eventually(lambda: metric_total(bench.cloud, pipe, "ExecutionTimeout") >= 1)
    assert metric_total(bench.cloud, pipe, "ExecutionFailed") == 0
    assert sum(source.depth()) == 1
    bench.cloud.client("pipes").stop_pipe(Name=pipe)


def test_a_message_that_no_filter_matches_is_deleted_without_an_execution(bench: Workbench) -> None:
    source = bench.queue()
    workflow, received = forwarding(bench)
    bench.pipe(source, workflow, patterns=[{"body": {"key": [{"prefix": "uploads/"}]}}], InputTemplate="<$.body.key>")
    source.send({"key": "other/a.jpg"})
    source.send({"key": "uploads/b.jpg"})

    assert json.loads(received.receive()["Body"]) == ["uploads/b.jpg"]
    eventually(lambda: source.depth() == (0, 0))
    assert received.depth() == (0, 0)


def test_a_stopped_pipe_receives_no_messages_until_it_is_started(bench: Workbench) -> None:
    source = bench.queue()
    workflow, received = forwarding(bench)
    pipe = bench.pipe(source, workflow)
    pipes = bench.cloud.client("pipes")
    source.send(1)
    received.receive()
    pipes.stop_pipe(Name=pipe)
    eventually(lambda: pipes.describe_pipe(Name=pipe)["CurrentState"] == "STOPPED")
    source.send(2)
    time.sleep(0.5)
    assert source.depth() == (1, 0)

    pipes.start_pipe(Name=pipe)
    (event,) = json.loads(received.receive()["Body"])
    assert event["body"] == "2"


def test_messages_sent_after_stop_pipe_are_not_processed(bench: Workbench) -> None:
    source = bench.queue()
    workflow, received = forwarding(bench)
    pipe = bench.pipe(source, workflow)
    source.send(1)
    received.receive()
    bench.cloud.client("pipes").stop_pipe(Name=pipe)
    # The pipe's last poll is still waiting for messages.
    source.send(2)
    time.sleep(1.5)
    assert source.depth() == (1, 0)
    assert received.depth() == (0, 0)


def test_a_pipe_without_permission_to_start_the_workflow_logs_it_and_keeps_the_message(bench: Workbench) -> None:
    source = bench.queue()
    workflow, received = forwarding(bench)
    role = bench.role("pipes", ("sqs:*", source.arn))
    pipe = bench.pipe(source, workflow, role)
    source.send({"a": 1})

    eventually(lambda: metric_total(bench.cloud, pipe, "ExecutionFailed") >= 1)
    assert sum(source.depth()) == 1
    denied = [decision for decision in bench.cloud.journal() if decision.role == role.rsplit("/", 1)[1]]
    assert ("states:StartSyncExecution", workflow, False) in {(d.action, d.resource, d.allowed) for d in denied}

    bench.permit(role, ("sqs:*", source.arn), ("states:StartSyncExecution", workflow))
    received.receive()
    eventually(lambda: source.depth() == (0, 0))


def test_a_pipe_without_permission_to_read_the_queue_logs_it_and_recovers(bench: Workbench) -> None:
    source = bench.queue()
    workflow, received = forwarding(bench)
    role = bench.role("pipes", ("states:StartSyncExecution", workflow))
    pipe = bench.pipe(source, workflow, role)
    source.send({"a": 1})

    eventually(lambda: metric_total(bench.cloud, pipe, "ExecutionFailed") >= 1)
    assert source.depth() == (1, 0)
    bench.permit(role, ("sqs:*", source.arn), ("states:StartSyncExecution", workflow))
    received.receive()


def test_a_burst_is_processed_three_at_a_time_without_loss(bench: Workbench, tmp_path: Path) -> None:
    count = 8
    source, received = bench.queue(), bench.queue()
    gate = tmp_path / "gate"
    function = bench.function(
        f"""
        import pathlib, time
        def handler(event, context):
            while not pathlib.Path({str(gate)!r}).exists():
                time.sleep(0.01)
            return {{"number": int(event[0]["body"])}}
        """
    )
    states = {"Call": call_function(function, next_state="Send"), "Send": send_to(received)}
    workflow = bench.workflow(states, ("lambda:InvokeFunction", function), ("sqs:SendMessage", received.arn))
    bench.pipe(source, workflow)
    for number in range(count):
        source.send(number)

    eventually(lambda: source.depth() == (count - 3, 3))
    time.sleep(0.5)
    assert source.depth() == (count - 3, 3)
    gate.touch()
    assert sorted(json.loads(received.receive()["Body"])["number"] for _ in range(count)) == list(range(count))
    eventually(lambda: source.depth() == (0, 0))
    assert received.depth() == (0, 0)
