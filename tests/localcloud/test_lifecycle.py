"""Start and stop of the embedded cloud: options, errors, kept state and cleanup."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import localcloud.clients
import localcloud.emulator
from localcloud.emulator import PROJECT_ROOT, Emulator, EmulatorError
from testing.waiting import eventually
from tests.localcloud.workbench import Workbench, call_function, send_to

SLOW_FUNCTION = """
import time
def handler(event, context):
    time.sleep(event.get("seconds", 0))
    return "done"
"""
# A program that starts a cloud with a Lambda worker, prints its process and directory, and waits.
PROGRAM = """
import sys, time
from localcloud.emulator import Emulator
from tests.localcloud.workbench import Workbench
with Emulator.start() as cloud:
    bench = Workbench(cloud)
    function = bench.function('def handler(event, context): return 1')
    cloud.client("lambda").invoke(FunctionName=function)
    print(cloud.server_process_id, cloud.data_directory, flush=True)
    time.sleep(60)
"""


def processes_in(group: int) -> list[int]:
    """Return the processes of a process group without zombies."""
    listing = subprocess.run(["/bin/ps", "-eo", "pid=,pgid=,stat="], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return [int(pid) for pid, owner, state in rows if int(owner) == group and not state.startswith("Z")]


def test_a_stopped_cloud_leaves_no_process_and_no_directory() -> None:
    with Emulator.start() as cloud:
        bench = Workbench(cloud)
        function = bench.function(SLOW_FUNCTION)
        cloud.client("lambda").invoke(FunctionName=function)
        assert len(processes_in(cloud.server_process_id)) == 2
        assert cloud.data_directory.exists()
    assert processes_in(cloud.server_process_id) == []
    assert not cloud.data_directory.exists()
    cloud.stop()


def test_a_cloud_stops_while_functions_and_workflows_run() -> None:
    with Emulator.start() as cloud:
        bench = Workbench(cloud)
        function = bench.function(SLOW_FUNCTION)
        calling, waiting = (
            bench.calling(function),
            bench.workflow({"Wait": {"Type": "Wait", "Seconds": 30, "End": True}}),
        )
        source, other = bench.queue(), bench.queue()
        bench.pipe(source, calling, InputTemplate='{"seconds": 30}')
        bench.pipe(other, waiting)
        source.send("go")
        other.send("go")
        eventually(lambda: len(processes_in(cloud.server_process_id)) == 2)
        eventually(lambda: (source.depth(), other.depth()) == ((0, 1), (0, 1)))
        started = time.monotonic()
    assert time.monotonic() - started < 20
    assert processes_in(cloud.server_process_id) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_the_cloud_of_an_interrupted_or_killed_program_stops(ending: signal.Signals) -> None:
    # In its own session, like a foreground job of a terminal: Ctrl-C is sent to all its processes.
    program = subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=PROJECT_ROOT,
        start_new_session=True,
        # Background jobs of a script and their child processes ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (no threads here)
    )
    with program:
        assert program.stdout
        server, directory = program.stdout.readline().split()
        assert len(processes_in(int(server))) == 2
        os.killpg(program.pid, ending)
        program.wait(10)
    eventually(lambda: not processes_in(int(server)))
    eventually(lambda: not Path(directory).exists())


def test_a_port_in_use_is_reported_in_one_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmulatorError, match=rf"^port {port} on 127\.0\.0\.1 is not available .*another port$"):
            Emulator.start(port=port)


def test_a_missing_package_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localcloud.emulator, "REQUIRED_PACKAGES", ("absent_package",))
    with pytest.raises(EmulatorError, match=r"^the embedded cloud needs the package absent_package: run `make setup`"):
        Emulator.start()


def test_a_failed_start_shows_the_end_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "localcloud").mkdir()
    (tmp_path / "localcloud" / "server.py").write_text("raise SystemExit('simulated failure')")
    monkeypatch.setattr(localcloud.emulator, "PROJECT_ROOT", tmp_path)
    with pytest.raises(
        EmulatorError, match=r"(?s)exited at start with status 1; its log ends with:.*simulated failure"
    ):
        Emulator.start()


def test_an_unusable_data_directory_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmulatorError, match=r"^the data directory .*file cannot be used: Not a directory$"):
        Emulator.start(data_directory=tmp_path / "file")


def test_an_invalid_account_id_is_refused() -> None:
    with pytest.raises(EmulatorError, match=r"^account_id is '123': .* twelve digits$"):
        Emulator.start(account_id="123")


def test_port_region_and_account_can_be_chosen() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Emulator.start(port=port, region="eu-central-1", account_id="123456789012") as cloud:
        assert cloud.endpoint_url == f"http://127.0.0.1:{port}"
        assert cloud.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:root"
        bench = Workbench(cloud)
        queue = bench.queue()
        attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=queue.url, AttributeNames=["QueueArn"])
        assert attributes["Attributes"]["QueueArn"] == f"arn:aws:sqs:eu-central-1:123456789012:{queue.name}"
        # The pipe runner uses that account and region, too.
        received = bench.queue()
        send = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Arguments": {"QueueUrl": received.url, "MessageBody": "arrived"},
            "End": True,
        }
        workflow = bench.workflow({"Send": send}, ("sqs:SendMessage", received.arn))
        bench.pipe(queue, workflow)
        queue.send("go")
        assert received.receive()["Body"] == "arrived"
        assert all(decision.allowed for decision in cloud.journal())


def test_state_in_a_data_directory_is_loaded_at_the_next_start(tmp_path: Path) -> None:
    with Emulator.start(data_directory=tmp_path) as cloud:
        cloud.client("s3").create_bucket(Bucket="pictures")
        cloud.client("s3").put_object(Bucket="pictures", Key="a.jpg", Body=b"jpeg")
        bench = Workbench(cloud)
        source, received = bench.queue(), bench.queue()
        echo = bench.function("def handler(event, context): return event")
        states = {"Call": call_function(echo, "Send"), "Send": send_to(received)}
        workflow = bench.workflow(states, ("lambda:InvokeFunction", echo), ("sqs:SendMessage", received.arn))
        pipe = bench.pipe(source, workflow, InputTemplate='{"kept": <$.body>}')
        pipes = cloud.client("pipes")
        pipes.stop_pipe(Name=pipe)
        # Until then, the pipe's last poll could receive the message and make it invisible for its timeout.
        eventually(lambda: pipes.describe_pipe(Name=pipe)["CurrentState"] == "STOPPED", "the pipe's stop")
        source.send("message")
    with Emulator.start(data_directory=tmp_path) as cloud:
        assert cloud.client("s3").get_object(Bucket="pictures", Key="a.jpg")["Body"].read() == b"jpeg"
        cloud.client("pipes").start_pipe(Name=pipe)
        assert json.loads(replace(received, cloud=cloud).receive()["Body"]) == [{"kept": "message"}]
    assert not (tmp_path / "tmp").exists()


def test_move_tasks_are_kept_and_a_running_one_has_failed_after_a_restart(tmp_path: Path) -> None:
    with Emulator.start(data_directory=tmp_path) as cloud:
        sqs, bench = cloud.client("sqs"), Workbench(cloud)
        queue, dlq = bench.queue_with_dlq(1)
        for number in range(3):
            dlq.send(number)
        sqs.start_message_move_task(SourceArn=dlq.arn, DestinationArn=queue.arn, MaxNumberOfMessagesPerSecond=1)
        eventually(lambda: queue.depth() == (1, 0), "the first moved message")
    with Emulator.start(data_directory=tmp_path) as cloud:
        sqs, queue, dlq = cloud.client("sqs"), replace(queue, cloud=cloud), replace(dlq, cloud=cloud)
        (task,) = sqs.list_message_move_tasks(SourceArn=dlq.arn)["Results"]
        moved = task["ApproximateNumberOfMessagesMoved"]
        assert (task["Status"], task["FailureReason"]) == ("FAILED", "The embedded cloud was stopped.")
        assert (queue.depth(), dlq.depth()) == ((moved, 0), (3 - moved, 0))
        sqs.start_message_move_task(SourceArn=dlq.arn, DestinationArn=queue.arn)
        eventually(lambda: queue.depth() == (3, 0), "the other messages")
    with Emulator.start(data_directory=tmp_path) as cloud:
        listed = cloud.client("sqs").list_message_move_tasks(SourceArn=dlq.arn, MaxResults=10)["Results"]
        assert [task["Status"] for task in listed] == ["COMPLETED", "FAILED"]


def test_two_clouds_have_separate_resources() -> None:
    with Emulator.start() as one, Emulator.start() as other:
        one.client("s3").create_bucket(Bucket="pictures")
        assert other.client("s3").list_buckets()["Buckets"] == []


def test_the_cloud_ignores_the_callers_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "AWS_PROFILE": "no-such-profile",
        "AWS_REGION": "ap-south-1",
        "AWS_SECRET_ACCESS_KEY": "a secret of the caller's",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "AUTH": "false",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    # The session is cached; it may have been created before the variables were set.
    monkeypatch.setattr(localcloud.clients, "_session", localcloud.clients._session.__wrapped__)
    with Emulator.start() as cloud:
        function = Workbench(cloud).function("import os\ndef handler(event, context): return dict(os.environ)")
        environment = json.loads(cloud.client("lambda").invoke(FunctionName=function)["Payload"].read())
    assert environment["AWS_REGION"] == "us-east-1"
    assert {name for name, value in settings.items() if environment.get(name) == value} == set()
