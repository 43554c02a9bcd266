"""Operators over the API: what is wrong, why files failed, and the replay of dead letters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.orders import order_message
from testing.callers import READ, WRITE, Callers
from testing.stack import Stack
from testing.waiting import eventually

HEALTH, DEAD_LETTERS, REPLAY = "/operations/health", "/operations/dead-letters", "/operations/dead-letters/replay"
ROUTES = [("GET", HEALTH), ("GET", DEAD_LETTERS), ("POST", REPLAY)]


def call(callers: Callers, method: str, path: str, body: object = None) -> Any:
    answer = callers.call(method, path, callers.operator(), body)
    assert answer.status == 200, answer
    return answer.json


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_token_operators_routes_are_refused(callers: Callers, method: str, path: str) -> None:
    assert callers.call(method, path, body={} if method == "POST" else None).status == 401


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("scopes", [(WRITE,), (READ, WRITE)], ids=" ".join)
def test_who_is_no_operator_is_refused(callers: Callers, method: str, path: str, scopes: tuple[str, ...]) -> None:
    body = {"queue": "transform", "dryRun": False} if method == "POST" else None
    assert callers.call(method, path, callers.token(*scopes), body).status == 403


def test_a_member_of_the_group_operators_needs_no_scope_beside_the_consoles(callers: Callers) -> None:
    token = callers.signed_again(callers.token(READ), lambda claims: {**claims, "cognito:groups": ["operators"]})
    assert callers.call("GET", HEALTH, token).status == 200


def test_a_failed_file_is_explained_and_completes_after_its_replay(stack: Stack, callers: Callers) -> None:
    with stack.broken("watermark", SETTINGS="{"):
        upload = stack.upload("uploads/unfortunate.jpg")
        eventually(lambda: stack.pipeline.queue_depth(stack.outputs["transformDlqUrl"]) == 1, "the dead letter", 120)
    job = stack.pipeline.job(upload)
    assert job is not None

    alarm = eventually(lambda: alarms(callers).get("img-pipeline-local-transform-dlq-depth"), "the alarm", 60)
    assert "dlq" in alarm["description"]
    queues = {queue["name"]: queue for queue in call(callers, "GET", HEALTH)["queues"]}
    assert queues["img-pipeline-local-transform-dlq"]["messages"] == 1
    assert queues["img-pipeline-local-transform-dlq"]["deadLetters"] == "transform"

    (queue,) = call(callers, "GET", f"{DEAD_LETTERS}?queue=transform")["queues"]
    (cause,) = queue["causes"]
    assert (cause["cause"], cause["count"]) == (job["reasonCode"], 1)
    assert (cause["fileKeys"], cause["jobIds"]) == ([upload.file_key], [upload.job_id])
    assert cause["hint"] == job["hint"]

    wanted = {"queue": "transform", "cause": cause["cause"]}
    assert call(callers, "POST", REPLAY, wanted)["matching"] == 1
    assert stack.pipeline.queue_depth(stack.outputs["transformDlqUrl"]) == 1, "a dry run moves nothing"
    replayed = call(callers, "POST", REPLAY, {**wanted, "dryRun": False})
    assert (replayed["moved"], replayed["left"], replayed["complete"]) == (1, 0, True)
    (job,) = stack.finish(upload)
    assert job["status"] == "COMPLETED"
    assert [line["event"] for line in audit_lines(stack, filter=cause["cause"])] == ["started", "completed"]


def test_every_dead_letter_queue_is_read_and_replayed(stack: Stack, callers: Callers) -> None:
    upload = stack.upload("uploads/again.jpg")
    stack.finish(upload)
    event = stack.event_of(upload)
    rejection = {"file": {"fileKey": "a", "jobId": "b"}, "reasonCode": "C", "reason": "d", "hint": "e", "event": event}
    bodies = {"validate": json.dumps(rejection), "order": order_message("0" * 32, upload.file_key)}
    queues = stack.pipeline.outputs.dead_letter_queues
    with stack.unconsumed(stack.outputs["orderDlqUrl"]):
        for queue in queues:
            stack.pipeline.take_messages(queue.url)
            body = bodies.get(queue.name, json.dumps(event))
            stack.cloud.client("sqs").send_message(QueueUrl=queue.url, MessageBody=body)
        found = call(callers, "GET", DEAD_LETTERS)["queues"]
        assert {queue["queue"]: queue["read"] for queue in found} == {queue.name: 1 for queue in queues}
        for queue in queues:
            # A dead letter of another cause is read and stays.
            assert call(callers, "POST", REPLAY, {"queue": queue.name, "cause": "-", "dryRun": False})["moved"] == 0
            replayed = call(callers, "POST", REPLAY, {"queue": queue.name, "dryRun": False})
            assert (replayed["moved"], replayed["left"]) == (1, 0), queue.name
    stack.await_idle()
    eventually(lambda: stack.pipeline.queue_depth(stack.outputs["orderQueueUrl"]) == 0, "an empty order queue")


def test_health_says_whether_the_pipe_runs(stack: Stack, callers: Callers) -> None:
    assert call(callers, "GET", HEALTH)["pipe"] == {"name": stack.outputs["pipeName"], "state": "RUNNING"}
    with stack.paused():
        assert call(callers, "GET", HEALTH)["pipe"]["state"] == "STOPPED"


def alarms(callers: Callers) -> dict[str, Any]:
    return {alarm["name"]: alarm for alarm in call(callers, "GET", HEALTH)["alarms"]}


def audit_lines(stack: Stack, **wanted: str) -> list[dict[str, Any]]:
    group = stack.outputs["logGroups"]["audit"]
    events = stack.cloud.client("logs").filter_log_events(logGroupName=group)["events"]
    lines = [json.loads(event["message"]) for event in events]
    return [line for line in lines if wanted.items() <= line.items()]
