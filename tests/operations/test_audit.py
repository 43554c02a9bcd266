"""Start and end of every change are logged, on this machine and in the stack's audit log group."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from client.audit import audit_file, audited
from client.dead_letters.archive import Archived, put_back
from client.dead_letters.replaying import replay
from client.dead_letters.stack_queues import find_queue
from client.errors import PipelineError
from client.ingestion import enqueue
from client.pipeline import Pipeline
from contract.moving import MoveResult, OutgoingMessage
from contract.queues import SqsQueue
from operations.interruption import Interruption
from testing.stack import Stack


@pytest.fixture(autouse=True)
def state_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def lines(connection: Pipeline) -> list[dict[str, Any]]:
    return [json.loads(line) for line in audit_file(connection.stack).read_text().splitlines()]


def logged(stack: Stack, action_id: str) -> list[dict[str, Any]]:
    events = stack.cloud.client("logs").filter_log_events(logGroupName=stack.outputs["logGroups"]["audit"])["events"]
    return [line for event in events if (line := json.loads(event["message"]))["id"] == action_id]


def test_audit_lines_name_caller_time_action_and_counts_in_file_and_log(stack: Stack, connection: Pipeline) -> None:
    with audited(connection, "dlq purge", queue="transform-dlq") as action:
        (started,) = lines(connection)
        assert started["event"] == "started"
        action.counts = {"purged": 7}

    started, completed = lines(connection)

    assert (completed["event"], completed["counts"]) == ("completed", {"purged": 7})
    assert (completed["action"], completed["queue"], completed["stack"]) == ("dlq purge", "transform-dlq", "local")
    assert completed["who"]["arn"].startswith("arn:aws:")
    assert logged(stack, started["id"]) == [started, completed]


def test_failed_action_logs_its_counts(connection: Pipeline) -> None:
    def raise_connection_error() -> None:
        with audited(connection, "dlq replay") as action:
            action.counts = {"sent": 3}
            raise ValueError("lost the connection")

    with pytest.raises(ValueError, match="lost the connection"):
        raise_connection_error()

    _, failed = lines(connection)
    assert (failed["event"], failed["counts"]) == ("failed", {"sent": 3})
    assert "lost the connection" in failed["error"]


def test_action_without_an_audit_line_is_not_performed(connection: Pipeline) -> None:
    outputs = replace(connection.outputs, log_groups={"audit": "no-such-group"})
    elsewhere = replace(connection, outputs=outputs)
    done = []
    with pytest.raises(PipelineError, match="nothing was changed"), audited(elsewhere, "dlq purge"):
        done.append("purged")

    assert done == []


def test_stack_without_an_audit_log_group_must_be_deployed_again(connection: Pipeline) -> None:
    old = replace(connection, outputs=replace(connection.outputs, log_groups={}))
    with pytest.raises(PipelineError, match="deploy it again"), audited(old, "dlq purge"):
        pass


def test_ctrl_c_ends_a_replay_between_batches_and_is_logged(stack: Stack, connection: Pipeline) -> None:
    dlq = SqsQueue(stack.cloud.client("sqs"), stack.outputs["deliveryDlqUrl"])
    queue = find_queue(connection, "delivery")
    with stack.paused():
        for _ in range(4):
            dlq.send([OutgoingMessage(body=f"message {number}") for number in range(10)])

        interruption = Interruption()

        def interrupt(result: MoveResult) -> None:
            if result.sent >= 20 and not interruption.requested:
                os.kill(os.getpid(), signal.SIGINT)

        with interruption:
            result = replay(connection, queue, rate=500, clock=interruption, on_progress=interrupt)

        target = stack.outputs["transformQueueUrl"]
        assert result.interrupted
        assert result.sent == stack.pipeline.queue_depth(target) == 20
        assert result.left == 20, "what it did not get to look at is left too"
        assert dlq.depth().visible == 20, "messages that were not sent are visible"
        assert lines(connection)[-1]["event"] == "interrupted"
        assert lines(connection)[-1]["counts"]["sent"] == 20
        for url in (target, dlq.url):
            stack.cloud.client("sqs").purge_queue(QueueUrl=url)


def test_interrupted_command_is_logged_as_interrupted(connection: Pipeline) -> None:
    interruption = Interruption()
    interruption.request()
    copies = [OutgoingMessage(body="never sent")]

    enqueue(connection, "backfill", copies, rate=10, clock=interruption)
    put_back(
        connection,
        find_queue(connection, "transform"),
        [Archived(queue="transform", copy=copy) for copy in copies],
        rate=10,
        clock=interruption,
    )

    ends = [(line["action"], line["event"], line["counts"]["sent"]) for line in lines(connection)[1::2]]
    assert ends == [("backfill", "interrupted", 0), ("dlq import", "interrupted", 0)]


def test_signal_handlers_are_restored_after_the_work() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        assert not interruption.requested
        os.kill(os.getpid(), signal.SIGTERM)
        interruption.sleep(60)
        assert interruption.requested
    assert signal.getsignal(signal.SIGINT) is before


def test_second_ctrl_c_stops_immediately() -> None:
    def interrupt_twice() -> None:
        with Interruption():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupt_twice()
