"""Faults of a plan strike where and as often as it says, and nowhere after they are withdrawn."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.emulator import Emulator
from localcloud.faults import Effect, FaultPlan, PlannedFault, Point
from testing.waiting import eventually
from tests.localcloud.test_event_delivery import rule_to, send_event
from tests.localcloud.workbench import Queue, Workbench, send_to

pytest_plugins = ["localcloud.pytest_fixture"]


@pytest.fixture
def bench(cloud: Emulator) -> Workbench:
    return Workbench(cloud)


@contextmanager
def in_force(cloud: Emulator, point: Point, effect: Effect, subject: str, **values: Any) -> Iterator[int]:
    """A fault that strikes once; it has struck by the end of the block."""
    fault = PlannedFault(point=point, effect=effect, subject=subject, values=values, times=1)
    number = cloud.inject(fault)
    yield number
    assert cloud.withdraw(number) == 1


def test_fault_strikes_what_matches_as_often_as_planned() -> None:
    plan = FaultPlan()
    number = plan.add(PlannedFault(point=Point.TASK, effect=Effect.FAIL, subject="sns:", times=2))

    subjects = ("sqs:sendMessage", "sns:publish", "sns:publish", "sns:publish")
    assert [bool(plan.strike(Point.TASK, subject)) for subject in subjects] == [False, True, True, False]
    assert plan.strike(Point.REQUEST, "sns:publish") is None
    assert plan.remove(number) == 2


def test_attempt_that_changes_nothing_is_not_counted_and_may_be_repeated() -> None:
    plan = FaultPlan()
    number = plan.add(PlannedFault(point=Point.INVOCATION, effect=Effect.KILL, subject=".*", times=1))

    for has_struck in (False, True):
        attempted, fault = plan.attempt(Point.INVOCATION, "thumbnail")
        assert fault is not None
        plan.settle(attempted, has_struck=has_struck)

    assert plan.attempt(Point.INVOCATION, "thumbnail") == (0, None)
    assert plan.fired(number) == 1


def bucket(bench: Workbench) -> str:
    name = bench.name("bucket")
    bench.cloud.client("s3").create_bucket(Bucket=name)
    bench.cloud.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def versions(bench: Workbench, name: str) -> int:
    return len(bench.cloud.client("s3").list_object_versions(Bucket=name).get("Versions", []))


def test_refused_request_is_not_carried_out(bench: Workbench) -> None:
    name = bucket(bench)
    refused = {"status": 403, "code": "AccessDenied"}
    with (
        in_force(bench.cloud, Point.REQUEST, Effect.REFUSE, f"root s3 PUT /{name}/", **refused),
        pytest.raises(ClientError, match="AccessDenied"),
    ):
        bench.cloud.client("s3").put_object(Bucket=name, Key="a", Body=b"1")
    assert versions(bench, name) == 0


def test_request_whose_answer_is_lost_is_carried_out_and_repeated_by_its_client(bench: Workbench) -> None:
    name = bucket(bench)
    with in_force(bench.cloud, Point.REQUEST, Effect.LOSE, f"root s3 PUT /{name}/"):
        answer = bench.cloud.client("s3").put_object(Bucket=name, Key="a", Body=b"1")
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert versions(bench, name) == 2


def test_connection_is_cut_within_a_body(bench: Workbench) -> None:
    name = bucket(bench)
    s3 = bench.cloud.client("s3")
    s3.put_object(Bucket=name, Key="a", Body=b"x" * 10_000)
    with in_force(bench.cloud, Point.REQUEST, Effect.CUT, f"root s3 GET /{name}/a", bytes=200):
        body = s3.get_object(Bucket=name, Key="a")["Body"]
        with pytest.raises((BotoCoreError, ConnectionError)):
            body.read()
    assert len(s3.get_object(Bucket=name, Key="a")["Body"].read()) == 10_000


def test_slow_answer_comes_late(bench: Workbench) -> None:
    with in_force(bench.cloud, Point.REQUEST, Effect.DELAY, "root dynamodb ListTables", seconds=0.5):
        started = time.monotonic()
        bench.cloud.client("dynamodb").list_tables()
        assert time.monotonic() - started >= 0.5


def sending(bench: Workbench) -> tuple[str, Queue]:
    """A workflow that sends a message to a queue."""
    queue = bench.queue()
    return bench.workflow({"Send": send_to(queue)}, ("sqs:SendMessage", queue.arn)), queue


def test_failing_task_does_nothing(bench: Workbench) -> None:
    workflow, queue = sending(bench)
    with in_force(bench.cloud, Point.TASK, Effect.FAIL, f"sqs:sendMessage .*{queue.name}$", error="SQS.SqsException"):
        execution = bench.run(workflow)
    assert (execution["status"], execution["error"]) == ("FAILED", "SQS.SqsException")
    assert queue.depth() == (0, 0)


def test_task_whose_answer_is_lost_is_carried_out(bench: Workbench) -> None:
    workflow, queue = sending(bench)
    with in_force(bench.cloud, Point.TASK, Effect.LOSE, f"sqs:sendMessage .*{queue.name}$", error="SQS.SqsException"):
        assert bench.run(workflow)["status"] == "FAILED"
    assert queue.depth() == (1, 0)


WRITING = """
import os, pathlib, tempfile

def handler(event, context):
    memory = bytearray(event.get("megabytes", 0) << 20)
    pathlib.Path(tempfile.gettempdir(), f"work-{os.getpid()}").write_bytes(b"done")
    return len(memory) >> 20
"""


@pytest.fixture
def writer(bench: Workbench) -> tuple[str, str]:
    """A function's alias and name; it has a process."""
    alias = bench.function(WRITING)
    assert invoke(bench.cloud, alias) == {"result": 0}
    return alias, alias.split(":")[-2]


def invoke(cloud: Emulator, function_arn: str, **event: int) -> dict[str, Any]:
    answer = cloud.client("lambda").invoke(FunctionName=function_arn, Payload=json.dumps(event))
    payload = json.loads(answer["Payload"].read())
    return {"error": payload["errorType"]} if "FunctionError" in answer else {"result": payload}


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_function_ends_without_a_result_and_is_started_again(
    bench: Workbench, writer: tuple[str, str], when: str
) -> None:
    alias, name = writer
    with in_force(bench.cloud, Point.INVOCATION, Effect.KILL, f"{name}$", when=when):
        assert invoke(bench.cloud, alias) == {"error": "Runtime.ExitError"}
    assert invoke(bench.cloud, alias) == {"result": 0}


def test_function_is_killed_while_it_works(bench: Workbench) -> None:
    alias = bench.function("import time\ndef handler(event, context):\n    time.sleep(event.get('seconds', 0))")
    invoke(bench.cloud, alias)
    with in_force(bench.cloud, Point.INVOCATION, Effect.KILL, f"{alias.split(':')[-2]}$", when="during"):
        assert invoke(bench.cloud, alias, seconds=3) == {"error": "Runtime.ExitError"}


def test_function_without_memory_or_disk_fails(bench: Workbench, writer: tuple[str, str]) -> None:
    alias, name = writer
    with in_force(bench.cloud, Point.INVOCATION, Effect.LIMIT, f"{name}$", resource="memory"):
        assert invoke(bench.cloud, alias, megabytes=50) == {"error": "MemoryError"}
    assert invoke(bench.cloud, alias, megabytes=50) == {"result": 50}
    with in_force(bench.cloud, Point.INVOCATION, Effect.LIMIT, f"{name}$", resource="disk"):
        assert invoke(bench.cloud, alias) == {"error": "OSError"}
    assert invoke(bench.cloud, alias) == {"result": 0}


def test_function_without_a_process_is_limited_as_well(bench: Workbench) -> None:
    alias = bench.function(WRITING)
    with in_force(bench.cloud, Point.INVOCATION, Effect.LIMIT, f"{alias.split(':')[-2]}$", resource="disk"):
        # Python's first use of the folder for temporary files tries to write there.
        assert invoke(bench.cloud, alias) == {"error": "FileNotFoundError"}


@pytest.fixture
def events(bench: Workbench) -> tuple[str, Queue]:
    """A rule and the queue that it delivers to."""
    queue = bench.queue()
    rule, arn = rule_to(bench, queue, bench.queue())
    bench.accept_from(queue, "events", arn)
    return rule, queue


def test_event_is_delivered_twice_late_or_with_another_time(bench: Workbench, events: tuple[str, Queue]) -> None:
    rule, queue = events
    with in_force(bench.cloud, Point.DELIVERY, Effect.REPEAT, f"{queue.name}$"):
        send_event(bench, rule)
        eventually(lambda: queue.depth() == (2, 0))
    first, second = queue.receive(), queue.receive()
    assert first["MessageId"] != second["MessageId"]
    assert first["Body"] == second["Body"]

    with in_force(bench.cloud, Point.DELIVERY, Effect.SKEW, f"{queue.name}$", seconds=-3600):
        send_event(bench, rule)
        at = datetime.fromisoformat(json.loads(queue.receive()["Body"])["time"])
    assert datetime.now(UTC) - at >= timedelta(minutes=59)

    with in_force(bench.cloud, Point.DELIVERY, Effect.DELAY, f"{queue.name}$", seconds=1):
        send_event(bench, rule)
        started = time.monotonic()
        queue.receive()
        assert time.monotonic() - started >= 0.5


def test_message_whose_deletion_is_lost_is_received_again(bench: Workbench) -> None:
    queue = bench.queue()
    sent = queue.send("once")
    with in_force(bench.cloud, Point.DELETION, Effect.LOSE, f"{queue.name}$"):
        assert queue.receive()["MessageId"] == sent
    again = queue.receive()
    assert again["MessageId"] == sent
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    assert queue.depth() == (0, 0)


def test_shuffled_queue_delivers_every_message_once(bench: Workbench) -> None:
    queue = bench.queue()
    sent = [queue.send(number) for number in range(20)]
    with in_force(bench.cloud, Point.RECEIPT, Effect.SHUFFLE, f"{queue.name}$"):
        received = [queue.receive()["MessageId"] for _ in sent]
    assert sorted(received) == sorted(sent)
    assert received != sent


def test_restarted_cloud_keeps_its_queues_and_forgets_its_faults(tmp_path: Any) -> None:
    with Emulator.start(data_directory=tmp_path) as cloud:
        queue = Workbench(cloud).queue()
        sent = queue.send("kept")
        number = cloud.inject(PlannedFault(point=Point.TASK, effect=Effect.FAIL, subject=".*"))

        cloud.restart()

        assert queue.receive()["MessageId"] == sent
        assert cloud.injected(number) == 0
        assert (tmp_path / "tmp" / "runtime-packages").is_dir()
