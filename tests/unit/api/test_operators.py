"""Operators' routes: who may call them, and what becomes of dead letters, before the embedded cloud's queues."""

from __future__ import annotations

import pytest

from contract.events import ObjectVersion, scan_result
from functions.replay import replaying
from functions.replay.scans import with_latest_scan
from tests.unit.api.conftest import DEAD_LETTERS, GROUP, Operators, created


@pytest.mark.parametrize("claims", [{"scope": "files:read files:write"}, {"cognito:groups": "[staff]"}, {}])
def test_who_is_no_operator_sees_and_replays_nothing(stack: Operators, claims: dict[str, str]) -> None:
    stack.fail("cat.jpg", "WatermarkError")
    for answer in (
        stack.look("/operations/health", claims),
        stack.look(claims=claims),
        stack.replay(claims=claims, queue="transform", dryRun=False),
    ):
        assert (answer.status, answer.code) == (403, "NOT_AN_OPERATOR")
        assert "operators" in answer.json["hint"]
    assert stack.queue(stack.queues.transform_dlq_url).depth().total == 1


@pytest.mark.parametrize("claims", [GROUP, {"scope": "files:operate"}, {"scope": "img-pipeline/files:operate"}])
def test_a_member_of_the_group_and_a_token_with_the_scope_are_operators(
    stack: Operators, claims: dict[str, str]
) -> None:
    assert stack.look(claims=claims).status == 200


def test_the_health_of_a_stack_whose_pipe_was_deleted_says_so(stack: Operators) -> None:
    answer = stack.look("/operations/health")
    assert answer.status == 200, answer
    pipe, queues = answer.json["pipe"], answer.json["queues"]
    assert (pipe["name"], pipe["state"]) == ("pipe", "MISSING")
    assert "doctor" in pipe["reason"]
    assert {queue["name"]: queue["messages"] for queue in queues} == {
        url.rsplit("/", 1)[-1]: 0 for url in filter(None, vars(stack.queues).values())
    }


def test_dead_letters_are_grouped_by_cause_and_stay_visible(stack: Operators) -> None:
    keys = [stack.fail(f"{number}.jpg", "WatermarkError") for number in range(5)]
    other = stack.fail("other.jpg", "ThumbnailError")
    (queue,) = stack.look(f"{DEAD_LETTERS}?queue=transform").json["queues"]
    assert (queue["messages"], queue["read"], queue["complete"]) == (6, 6, True)
    many, one = queue["causes"]
    assert (many["cause"], many["count"], many["hint"]) == ("WatermarkError", 5, "Mend WatermarkError")
    assert set(many["fileKeys"]) < set(keys)
    assert set(many["jobIds"]) == {key.split("/")[1] for key in many["fileKeys"]}
    assert (one["cause"], one["count"], one["fileKeys"]) == ("ThumbnailError", 1, [other])
    assert many["firstSeen"] == many["lastSeen"] == "2026-11-27T12:00:00Z"
    assert stack.queue(stack.queues.transform_dlq_url).depth().visible == 6


def test_every_dead_letter_queue_is_shown_where_none_is_named(stack: Operators) -> None:
    stack.fail("cat.jpg", "WatermarkError")
    found = {queue["queue"]: queue["read"] for queue in stack.look().json["queues"]}
    assert found == {"transform": 1, "validate": 0, "delivery": 0}


def test_a_queue_that_is_not_there_is_told_with_where_to_look(stack: Operators) -> None:
    for answer in (stack.look(f"{DEAD_LETTERS}?queue=trasnform"), stack.replay(queue="trasnform")):
        assert (answer.status, answer.code) == (404, "QUEUE_NOT_FOUND")
        assert "trasnform" in answer.json["detail"]
        assert "GET /operations/dead-letters" in answer.json["hint"]


def test_without_dry_run_false_nothing_moves(stack: Operators) -> None:
    stack.fail("cat.jpg", "WatermarkError")
    stack.fail("dog.jpg", "ThumbnailError")
    assert stack.replay(queue="transform").json["matching"] == 2
    assert stack.replay(queue="transform", cause="WatermarkError").json["matching"] == 1
    assert stack.queue(stack.queues.transform_dlq_url).depth().visible == 2
    assert stack.audit_lines() == []


def test_a_replay_moves_one_cause_and_leaves_the_others(stack: Operators) -> None:
    key = stack.fail("cat.jpg", "WatermarkError")
    stack.fail("dog.jpg", "ThumbnailError")
    answer = stack.replay(queue="transform", cause="WatermarkError", dryRun=False).json
    assert (answer["moved"], answer["left"], answer["complete"]) == (1, 1, True)
    (moved,) = stack.queue(stack.queues.transform_queue_url).take_all()
    assert moved["detail"]["object"]["key"] == key
    assert stack.queue(stack.queues.transform_dlq_url).depth().visible == 1


def test_a_replay_leaves_who_did_what_in_the_audit_log(stack: Operators) -> None:
    stack.fail("cat.jpg", "WatermarkError")
    stack.replay(queue="transform", dryRun=False)
    started, completed = stack.audit_lines()
    for line in (started, completed):
        assert (line["action"], line["who"]["user"], line["filter"]) == ("dlq replay", "olivia", "all")
        assert line["queue"].endswith("-transform-dlq")
        assert line["id"] == started["id"]
    assert started["event"] == "started"
    assert (completed["event"], completed["counts"]["sent"]) == ("completed", 1)


def test_nothing_moves_that_cannot_be_written_to_the_audit_log(
    stack: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.fail("cat.jpg", "WatermarkError")
    monkeypatch.setenv("AUDIT_LOG_GROUP", "there-is-none")
    answer = stack.replay(queue="transform", dryRun=False)
    assert (answer.status, answer.code) == (503, "NOT_AUDITED")
    assert int(answer.headers["retry-after"]) > 0
    assert stack.queue(stack.queues.transform_dlq_url).depth().total == 1


def test_a_call_without_time_left_says_that_there_is_more(stack: Operators, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.fail("cat.jpg", "WatermarkError")
    monkeypatch.setattr(replaying, "_WORKING_SECONDS", 0)
    answer = stack.replay(queue="transform", dryRun=False).json
    assert (answer["moved"], answer["left"], answer["complete"]) == (0, 1, False)
    assert [line["event"] for line in stack.audit_lines()] == ["started", "interrupted"]


def test_a_rejected_file_is_validated_in_a_new_run_and_an_unreadable_rejection_stays(stack: Operators) -> None:
    version = ObjectVersion(bucket="ingest", key="uploads/a.jpg", version_id="1")
    why = {"reasonCode": "DENYLISTED", "reason": "r", "hint": "h"}
    rejection = {"file": {"fileKey": version.key, "jobId": "j"}, "event": created(version), **why}
    stack.send(stack.queues.validate_dlq_url, rejection)
    stack.send(stack.queues.validate_dlq_url, {"neither": "one"})
    assert stack.replay(queue="validate").json["matching"] == 1
    assert stack.replay(queue="validate", dryRun=False).json["moved"] == 1
    (moved,) = stack.queue(stack.queues.transform_queue_url).take_all()
    assert moved["detail"] == rejection["event"]["detail"]
    assert moved["run"] > "2026"


def test_a_scanned_file_is_replayed_with_its_latest_scan(stack: Operators) -> None:
    s3 = stack.api.cloud.client("s3")
    tags = "GuardDutyMalwareScanStatus=NO_THREATS_FOUND"
    stored = s3.put_object(Bucket="ingest", Key="uploads/a.jpg", Body=b"a", Tagging=tags)
    version = ObjectVersion(bucket="ingest", key="uploads/a.jpg", version_id=stored["VersionId"])
    scan = scan_result(version, etag="e", status="FAILED", time="2026-11-27T12:00:00Z", region="us-east-1")
    assert with_latest_scan(scan)["detail"]["scanResultDetails"]["scanResultStatus"] == "NO_THREATS_FOUND"
    gone = ObjectVersion(bucket="ingest", key="uploads/gone.jpg", version_id="1")
    scan = scan_result(gone, etag="e", status="FAILED", time="2026-11-27T12:00:00Z", region="us-east-1")
    assert with_latest_scan(scan) == scan
