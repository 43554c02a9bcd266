"""Dead letters are listed, explained, replayed, exported, imported and deleted; showing them changes nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.audit import audit_file
from client.dead_letters import replaying
from client.dead_letters.archive import export
from client.dead_letters.replaying import replay
from client.dead_letters.stack_queues import find_queue
from client.pipeline import Pipeline
from client.uploads import Upload
from contract import queues
from contract.moving import MoveResult
from operations.commands import dead_letters as commands
from operations.interruption import Interruption
from testing.stack import Stack
from testing.waiting import eventually

Run = Callable[..., Result]


@pytest.fixture
def run(connection: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `img-pipeline dlq …` against the stack, with a home of its own for the audit file."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(commands, "connect", lambda *_, **__: connection)
    # The embedded SQS has one server, so nobody needs to wait for others to answer that they have nothing.
    monkeypatch.setattr(queues, "WAIT_SECONDS", 0)

    def run(*arguments: object, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(commands.dlq, [str(argument) for argument in arguments])
        assert result.exit_code == exit_code, result.output or result.exception
        return result

    return run


@pytest.fixture(autouse=True)
def empty_queues(stack: Stack) -> Iterator[None]:
    """Each test begins and ends without dead letters."""
    empty(stack)
    yield
    empty(stack)


def empty(stack: Stack) -> None:
    for url in dead_letter_urls(stack):
        stack.cloud.client("sqs").purge_queue(QueueUrl=url)


def dead_letter_urls(stack: Stack) -> list[str]:
    outputs = stack.outputs
    return [
        *(outputs[name] for name in ("transformDlqUrl", "validateDlqUrl", "deliveryDlqUrl")),
        *outputs["resultsDlqUrls"].values(),
    ]


def fail(stack: Stack, *file_keys: str) -> list[Upload]:
    """Upload files that a bad release of watermark cannot handle, and wait until they are dead letters."""
    with stack.broken("watermark", SETTINGS="{"), tried_once(stack):
        uploads = [stack.upload(file_key) for file_key in file_keys]
        url = stack.outputs["transformDlqUrl"]
        eventually(lambda: stack.pipeline.queue_depth(url) == len(uploads), "the dead letters", 120)
    return uploads


@contextmanager
def tried_once(stack: Stack) -> Iterator[None]:
    """The transform queue gives up after one try, which saves the tests the others."""
    queue = {"QueueUrl": stack.outputs["transformQueueUrl"]}
    sqs = stack.cloud.client("sqs")
    before = sqs.get_queue_attributes(**queue, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    impatient = json.dumps(json.loads(before) | {"maxReceiveCount": 1})
    sqs.set_queue_attributes(**queue, Attributes={"RedrivePolicy": impatient})
    try:
        yield
    finally:
        sqs.set_queue_attributes(**queue, Attributes={"RedrivePolicy": before})


def contents(stack: Stack, url: str) -> list[tuple[str, Any]]:
    """Bodies and attributes of the visible messages of a queue, which stay visible."""
    sqs = stack.cloud.client("sqs")
    found = []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30, WaitTimeSeconds=0, MessageAttributeNames=["All"]
    ).get("Messages", []):
        found += messages
    for message in found:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    return sorted(((message["Body"], message.get("MessageAttributes", {})) for message in found), key=str)


def bodies(stack: Stack, url: str) -> list[str]:
    return [body for body, _ in contents(stack, url)]


def audit_lines(stack: Stack) -> list[dict[str, Any]]:
    """The lines of the audit file, which the log group has as well."""
    lines = [json.loads(line) for line in audit_file("local").read_text().splitlines()]
    logged = stack.cloud.client("logs").filter_log_events(logGroupName=stack.outputs["logGroups"]["audit"])["events"]
    assert [line for line in lines if line not in [json.loads(event["message"]) for event in logged]] == []
    return lines


@contextmanager
def stopped_pipe(stack: Stack) -> Iterator[None]:
    """Stop the pipe, so that replayed messages stay in the transform queue until the end."""
    with stack.paused():
        yield
    stack.await_idle()


def test_failed_files_are_explained_replayed_and_completed(stack: Stack, run: Run) -> None:
    uploads = fail(stack, "uploads/dlq/one.jpg", "uploads/dlq/two.jpg")
    error = stack.pipeline.job(uploads[0])
    assert error is not None

    listed = {state["queue"]: state for state in json.loads(run("list", "--json").stdout)}
    assert listed["transform"]["visible"] == 2
    assert listed["transform"]["oldestAgeSeconds"] is not None
    assert set(listed) == {"transform", "validate", "delivery", "results-inspector"}
    assert "transform" in run("list").stdout

    (shown,) = json.loads(run("show", "transform", "--json").stdout)
    (cause,) = shown["causes"]
    assert (cause["cause"], cause["count"]) == (error["reasonCode"], 2)
    assert cause["reason"] == error["reason"]
    assert set(cause["sampleKeys"]) == {upload.file_key for upload in uploads}
    assert error["reasonCode"] in run("show").stdout

    result = run("replay", "--rate", 20, "--yes")

    assert "replayed 2 to img-pipeline-local-transform-queue" in result.stdout
    assert {job["status"] for job in stack.finish(*uploads)} == {"COMPLETED"}
    assert len(stack.notifications(*uploads)) == 2
    assert bodies(stack, stack.outputs["transformDlqUrl"]) == []


def test_showing_messages_removes_none_and_leaves_all_visible(stack: Stack, run: Run) -> None:
    put(stack, "transformDlqUrl", *(event(stack, f"uploads/{number}.jpg") for number in range(23)))
    before = contents(stack, stack.outputs["transformDlqUrl"])

    assert "23" in run("show", "transform").stdout
    run("show", "transform", "--limit", 5)
    run("peek", "uploads/7.jpg")

    assert contents(stack, stack.outputs["transformDlqUrl"]) == before


def test_sample_of_a_large_queue_is_labelled_as_a_sample(stack: Stack, run: Run) -> None:
    put(stack, "transformDlqUrl", *(event(stack, f"uploads/{number}.jpg") for number in range(40)))

    (shown,) = json.loads(run("show", "transform", "--limit", 15, "--json").stdout)

    assert (shown["lookedAt"], shown["depth"], shown["whole"]) == (15, 40, False)
    assert shown["causes"][0]["count"] == 15
    assert "15 of about 40, a sample" in run("show", "transform", "--limit", 15).stdout


def test_replay_prints_its_plan_and_needs_confirmation(stack: Stack, run: Run) -> None:
    put(stack, "transformDlqUrl", event(stack, "uploads/a.jpg"))
    before = contents(stack, stack.outputs["transformDlqUrl"])

    for arguments in (("replay",), ("purge", "transform")):
        said = run(*arguments).stdout
        assert "nothing was changed; add --yes" in said
        assert "NOT_STARTED" in said

    assert contents(stack, stack.outputs["transformDlqUrl"]) == before
    assert not audit_file("local").exists()


def test_only_one_cause_is_replayed_byte_for_byte_with_its_attributes(stack: Stack, run: Run) -> None:
    awkward = '{"detail":  {"bucket":{"name":"b"},\n"object":{"key":"uploads/Grüße 🌄.jpg","version-id":"v"}}}'
    attributes = {
        "ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    url = stack.outputs["deliveryDlqUrl"]
    sqs = stack.cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody=awkward, MessageAttributes=attributes)
    put(stack, "deliveryDlqUrl", "not an event", event(stack, "uploads/other.jpg"))
    with stopped_pipe(stack):
        result = run("replay", "delivery", "--only", "NO_PERMISSIONS", "--yes")

        assert "replayed 1 to" in result.stdout
        ((body, kept),) = contents(stack, stack.outputs["transformQueueUrl"])
        sqs.purge_queue(QueueUrl=stack.outputs["transformQueueUrl"])
    assert body == awkward
    assert {name: value.get("StringValue") or value["BinaryValue"] for name, value in kept.items()} == {
        "ERROR_CODE": "NO_PERMISSIONS",
        "raw": b"\x00\xff",
    }
    assert bodies(stack, url) == sorted([event(stack, "uploads/other.jpg"), "not an event"])


def test_only_one_file_is_replayed(stack: Stack, run: Run) -> None:
    wanted, other = event(stack, "uploads/wanted.jpg"), event(stack, "uploads/other.jpg")
    put(stack, "transformDlqUrl", other, wanted)
    with stopped_pipe(stack):
        run("replay", "--only", "uploads/wanted.jpg", "--yes")

        assert bodies(stack, stack.outputs["transformQueueUrl"]) == [wanted]
        stack.cloud.client("sqs").purge_queue(QueueUrl=stack.outputs["transformQueueUrl"])
    assert bodies(stack, stack.outputs["transformDlqUrl"]) == [other]


def test_replay_without_a_matching_queue_or_message_is_an_error(run: Run) -> None:
    for arguments, said in (
        (("replay", "--only", "NoSuchError", "--yes"), "nothing in transform matches NoSuchError"),
        (("replay", "nowhere"), "no dead-letter queue is called nowhere: there are transform, validate"),
        (("replay", "--only", "a", "--all"), "cannot be combined"),
    ):
        assert said in str(run(*arguments, exit_code=1).exception)


def test_rejected_file_is_validated_again_after_the_rules_changed(stack: Stack, run: Run) -> None:
    with stack.broken("validate", MAX_BYTES="100"):
        upload = stack.upload("uploads/dlq/large.jpg")
        (job,) = stack.finish(upload)
    assert job["reasonCode"] == "TOO_LARGE"
    (shown,) = json.loads(run("show", "validate", "--json").stdout)
    assert [(cause["cause"], cause["sampleKeys"]) for cause in shown["causes"]] == [("TOO_LARGE", [upload.file_key])]
    assert [message["type"] for message in stack.notifications(upload)] == ["AssetRejected"]

    run("replay", "validate", "--only", "TOO_LARGE", "--yes")

    job = eventually(lambda: completed(stack, upload), "the second verdict")
    assert job["run"]
    assert "reasonCode" not in job
    assert [message["type"] for message in stack.notifications(upload)] == ["AssetReady"]
    assert bodies(stack, stack.outputs["validateDlqUrl"]) == []


def test_file_that_is_rejected_again_is_not_replayed_in_a_loop(stack: Stack, run: Run) -> None:
    upload = stack.upload("uploads/dlq/broken.jpg", b"no picture")
    stack.finish(upload)
    first_run = stack.pipeline.job(upload)
    assert first_run is not None

    assert "replayed 1 to" in run("replay", "validate", "--yes").stdout

    job = eventually(lambda: finished_in_a_new_run(stack, upload), "the second verdict")
    assert job["reasonCode"] == first_run["reasonCode"]
    stack.await_idle()
    (kept,) = bodies(stack, stack.outputs["validateDlqUrl"])
    assert json.loads(kept)["event"]["run"] == job["run"]


def test_messages_that_arrive_during_a_replay_are_not_replayed(
    stack: Stack, connection: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(queues, "WAIT_SECONDS", 0)
    first, newcomer = event(stack, "uploads/first.jpg"), event(stack, "uploads/newcomer.jpg")
    put(stack, "deliveryDlqUrl", first)
    sent_later: list[str] = []

    def add_a_dead_letter(result: MoveResult) -> None:
        if result.sent and not sent_later:
            # The clock of SQS tells whole seconds to whoever counts its messages.
            time.sleep(2.1)
            sent_later.append(newcomer)
            put(stack, "deliveryDlqUrl", newcomer)

    with stopped_pipe(stack):
        result = replay(
            connection,
            find_queue(connection, "delivery"),
            rate=500,
            clock=Interruption(),
            on_progress=add_a_dead_letter,
        )
        assert bodies(stack, stack.outputs["transformQueueUrl"]) == [first]
        stack.cloud.client("sqs").purge_queue(QueueUrl=stack.outputs["transformQueueUrl"])

    assert (result.sent, result.left) == (1, 1)
    assert bodies(stack, stack.outputs["deliveryDlqUrl"]) == [newcomer]


def test_file_rejected_during_the_replay_is_not_replayed_again(
    stack: Stack, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "new_run", lambda: "2026-11-27T12:00:00.000+00:00")
    rejected = {"reasonCode": "CORRUPT", "reason": "r", "hint": "h", "file": {"jobId": "j", "fileKey": "uploads/a.jpg"}}
    again = json.dumps(rejected | {"event": {"run": "2026-11-27T12:00:00.000+00:00"}})
    put(stack, "validateDlqUrl", again)

    assert "replayed 0 to" in run("replay", "validate", "--yes").stdout

    assert bodies(stack, stack.outputs["validateDlqUrl"]) == [again]


def test_result_that_a_subscriber_did_not_delete_is_replayed_to_its_queue(stack: Stack, run: Run) -> None:
    result = json.dumps({"type": "AssetReady", "jobId": "0" * 32, "fileKey": "uploads/a.jpg"})
    (dlq_url,), (queue_url,) = stack.outputs["resultsDlqUrls"].values(), stack.outputs["resultsQueueUrls"].values()
    stack.cloud.client("sqs").purge_queue(QueueUrl=queue_url)
    stack.cloud.client("sqs").send_message(QueueUrl=dlq_url, MessageBody=result)

    run("replay", "results-inspector", "--yes")

    assert bodies(stack, queue_url) == [result]
    assert bodies(stack, dlq_url) == []
    stack.cloud.client("sqs").purge_queue(QueueUrl=queue_url)


def test_peek_shows_the_whole_message_and_its_job(stack: Stack, run: Run) -> None:
    upload = stack.upload("uploads/dlq/peeked.jpg", b"no picture")
    (job,) = stack.finish(upload)

    found = json.loads(run("peek", upload.job_id, "--json").stdout)

    assert found["queue"] == "validate"
    assert json.loads(found["body"])["file"]["jobId"] == upload.job_id
    assert found["job"]["reasonCode"] == job["reasonCode"]
    assert int(found["attributes"]["SentTimestamp"]) > 0
    assert json.loads(run("peek", found["message"], "--json").stdout)["body"] == found["body"]
    assert upload.file_key in run("peek", upload.file_key, "--queue", "validate").stdout
    missing = run("peek", "nobody", exit_code=1).exception
    assert "nobody is not among the 1 dead letters that were read" in str(missing)


def test_exported_dead_letters_are_imported_unchanged(stack: Stack, run: Run, tmp_path: Path) -> None:
    attributes = {"raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    url, file = stack.outputs["transformDlqUrl"], tmp_path / "dead-letters.jsonl"
    put(stack, "transformDlqUrl", event(stack, "uploads/Grüße 🌄.jpg"), "no\njson")
    stack.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="{}", MessageAttributes=attributes)
    before = contents(stack, url)

    assert "wrote 3 of about 3" in run("export", file).stdout
    assert contents(stack, url) == before
    assert "exists already" in str(run("export", file, exit_code=1).exception)
    assert "purged about 3" in run("purge", "transform", "--yes").stdout
    assert contents(stack, url) == []
    assert "would send 3 messages" in run("import", file).stdout
    assert contents(stack, url) == []
    assert "imported 3" in run("import", file, "--yes").stdout

    assert contents(stack, url) == before
    assert "imported 1" in run("import", file, "--skip", 2, "--yes").stdout


def test_file_that_is_not_an_export_is_rejected_before_any_message_is_sent(
    stack: Stack, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "dead-letters.jsonl"
    put(stack, "transformDlqUrl", "{}")
    run("export", file)
    with file.open("a") as lines:
        lines.write('{"queue": "transform"}\n')
    empty(stack)

    assert "line 2 of" in str(run("import", file, "--yes", exit_code=1).exception)
    assert bodies(stack, stack.outputs["transformDlqUrl"]) == []


def test_interrupted_export_deletes_its_file_and_releases_all_messages(
    stack: Stack, connection: Pipeline, tmp_path: Path
) -> None:
    file = tmp_path / "dead-letters.jsonl"
    put(stack, "transformDlqUrl", "{}", "[]")

    def break_off(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(connection, find_queue(connection, "transform"), file, on_progress=break_off)

    assert not file.exists()
    assert bodies(stack, stack.outputs["transformDlqUrl"]) == ["[]", "{}"]


def test_start_and_end_of_every_change_are_in_the_audit_log(stack: Stack, run: Run) -> None:
    put(stack, "transformDlqUrl", event(stack, "uploads/a.jpg"), "{}")
    with stopped_pipe(stack):
        run("replay", "--only", "NOT_STARTED", "--rate", 7, "--yes")
        stack.cloud.client("sqs").purge_queue(QueueUrl=stack.outputs["transformQueueUrl"])
    run("purge", "transform", "--yes")

    started, completed, purge_started, purged = audit_lines(stack)

    assert [line["event"] for line in (started, purge_started)] == ["started", "started"]
    assert completed["id"] == started["id"] != purged["id"]
    assert completed["event"] == purged["event"] == "completed"
    assert (completed["action"], completed["queue"]) == ("dlq replay", "img-pipeline-local-transform-dlq")
    assert (completed["filter"], completed["rate"]) == ("NOT_STARTED", 7)
    assert (completed["counts"]["sent"], completed["counts"]["left"]) == (1, 1)
    assert purged["counts"] == {"purged": 1}
    assert "arn:aws:" in completed["who"]["arn"]
    assert "@" in completed["who"]["user"]
    assert completed["at"] > started["at"]


def completed(stack: Stack, upload: Upload) -> dict[str, Any] | None:
    job = stack.pipeline.job(upload)
    return job if job and job["status"] == "COMPLETED" and "finishedAt" in job else None


def finished_in_a_new_run(stack: Stack, upload: Upload) -> dict[str, Any] | None:
    job = stack.pipeline.job(upload)
    return job if job and job["run"] and "finishedAt" in job else None


def put(stack: Stack, output: str, *messages: str) -> None:
    for message in messages:
        stack.cloud.client("sqs").send_message(QueueUrl=stack.outputs[output], MessageBody=message)


def event(stack: Stack, file_key: str) -> str:
    """An event of a file that no execution has seen."""
    stored = {"key": file_key, "version-id": "v1", "size": 1, "etag": "e", "sequencer": "01"}
    return json.dumps({"detail": {"bucket": {"name": stack.outputs["ingestBucket"]}, "object": stored}})
