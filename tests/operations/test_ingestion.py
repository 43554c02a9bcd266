"""Ingestion is paused and resumed, missed files are processed, and recorded files are rendered again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from client.audit import audit_file
from client.ingestion import Backlog, pipe_state, watch_backlog
from client.pipeline import Pipeline
from client.uploads import Upload
from operations.commands import backfill, ingestion, rerender
from testing.pictures import photograph
from testing.stack import Stack
from testing.waiting import eventually
from tests.operations.simulated_queue import VirtualClock

Run = Callable[..., Result]


@pytest.fixture
def run(connection: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run one of the commands against the stack, with a home of its own for the audit file."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    app = typer.Typer()
    for module in (ingestion, backfill, rerender):
        monkeypatch.setattr(module, "connect", lambda *_, **__: connection)
        app.add_typer(module.app)

    def run(*arguments: object, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == exit_code, result.output or result.exception
        return result

    return run


def audited(action: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in audit_file("local").read_text().splitlines()]
    return [line for line in lines if line["action"] == action]


def queued(stack: Stack) -> int:
    return stack.pipeline.queue_depth(stack.outputs["transformQueueUrl"])


def test_paused_uploads_wait_and_are_processed_after_resume(stack: Stack, run: Run, connection: Pipeline) -> None:
    assert "nothing was changed" in run("pause").stdout
    assert pipe_state(connection) == "RUNNING"

    run("pause", "--yes")

    assert pipe_state(connection) == "STOPPED"
    upload = stack.upload("uploads/ingestion/waits.jpg")
    eventually(lambda: queued(stack) == 1, "the waiting message")
    said = run("drain", "--interval", 0.1).stdout
    assert "pipe STOPPED: 1 waiting, 0 in progress; not decreasing" in said
    assert "pipe is stopped" in str(run("drain", "--wait", exit_code=1).exception)
    assert stack.pipeline.job(upload) is None

    assert "nothing was changed" in run("resume").stdout
    assert pipe_state(connection) == "STOPPED"
    run("resume", "--yes")

    assert pipe_state(connection) == "RUNNING"
    assert stack.finish(upload)[0]["status"] == "COMPLETED"
    assert "drained" in run("drain", "--wait", "--interval", 0.1).stdout
    backlog = json.loads(run("drain", "--interval", 0.1, "--json").stdout)
    assert (backlog["pipe"], backlog["waiting"], backlog["inWork"]) == ("RUNNING", 0, 0)
    assert [line["event"] for line in audited("pause") + audited("resume")] == ["started", "completed"] * 2


def test_backlog_has_a_rate_and_the_time_left() -> None:
    assert Backlog(pipe="RUNNING", waiting=90, in_work=10, per_second=4.0).seconds_left == 25
    assert Backlog(pipe="RUNNING", waiting=90, in_work=10, per_second=-4.0).seconds_left is None
    assert Backlog(pipe="RUNNING", waiting=0, in_work=0, per_second=None).seconds_left == 0


@pytest.mark.parametrize(
    ("looks", "exit_code"),
    [([], 130), ([Backlog(pipe="RUNNING", waiting=90, in_work=10, per_second=None)], 1)],
    ids=["interrupted before the first reading", "messages left"],
)
def test_drain_that_ends_without_an_empty_queue_fails(
    run: Run, monkeypatch: pytest.MonkeyPatch, looks: list[Backlog], exit_code: int
) -> None:
    monkeypatch.setattr(ingestion, "watch_backlog", lambda *_, **__: iter(looks))
    run("drain", "--wait", exit_code=exit_code)


def test_decreasing_backlog_has_a_rate(stack: Stack, connection: Pipeline) -> None:
    sqs, url = stack.cloud.client("sqs"), stack.outputs["transformQueueUrl"]
    with stack.paused():
        eventually(lambda: pipe_state(connection) == "STOPPED", "the stop")
        for _ in range(10):
            sqs.send_message(QueueUrl=url, MessageBody="{}")
        looks = watch_backlog(connection, clock=VirtualClock(), interval_seconds=2)
        assert next(looks).per_second is None
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=8, WaitTimeSeconds=0)["Messages"]:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

        second = next(looks)

        assert (second.total, second.per_second, second.seconds_left) == (2, 4.0, 0.5)
        sqs.purge_queue(QueueUrl=url)


def missed(stack: Stack, *file_keys: str) -> list[Upload]:
    """Upload files whose events are lost."""
    s3, bucket = stack.cloud.client("s3"), stack.outputs["ingestBucket"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        return [stack.upload(file_key) for file_key in file_keys]
    finally:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )


def test_backfill_processes_missed_files_and_skips_finished_ones(stack: Stack, run: Run) -> None:
    done = stack.upload("uploads/backfill/done.jpg")
    (done_job,) = stack.finish(done)
    lost = missed(stack, "uploads/backfill/Grüße 🌄.jpg", "uploads/backfill/lost.jpg")
    stack.cloud.client("s3").delete_object(Bucket=stack.outputs["ingestBucket"], Key="uploads/backfill/never.jpg")

    said = run("backfill", "--prefix", "uploads/backfill/").stdout
    assert "backfill would send 2 of 3 files (1 are finished)" in said
    assert queued(stack) == 0

    said = run("backfill", "--prefix", "uploads/backfill/", "--yes").stdout

    assert "sent 2 of 3 files" in said
    assert {job["status"] for job in stack.finish(*lost)} == {"COMPLETED"}
    assert stack.pipeline.job(done) == done_job
    for upload in lost:
        assert (stack.pipeline.asset(upload.file_key) or {})["versionId"] == upload.version_id
    assert "would send 0 of 3 files" in run("backfill", "--prefix", "uploads/backfill/").stdout
    _, completed = audited("backfill")
    assert (completed["prefix"], completed["counts"]["sent"]) == ("uploads/backfill/", 2)


def test_backfill_sends_only_the_latest_version_of_a_file(stack: Stack, run: Run) -> None:
    file_key = "uploads/backfill-latest/a.jpg"
    older, latest = missed(stack, file_key, file_key)

    said = run("backfill", "--prefix", "uploads/backfill-latest/", "--yes").stdout

    assert "sent 1 of 1 files" in said
    stack.finish(latest)
    stack.await_idle()
    assert stack.pipeline.job(older) is None


def test_backfilled_version_is_ordered_between_older_and_newer_ones(stack: Stack, run: Run) -> None:
    file_key = "uploads/backfill-order/a.jpg"
    first = stack.upload(file_key, photograph(1))
    stack.finish(first)
    (second,) = missed(stack, file_key)

    run("backfill", "--prefix", "uploads/backfill-order/", "--yes")
    stack.finish(second)
    assert (stack.pipeline.asset(file_key) or {})["versionId"] == second.version_id

    (third,) = missed(stack, file_key)
    run("backfill", "--prefix", "uploads/backfill-order/", "--yes")
    stack.finish(third)
    assert (stack.pipeline.asset(file_key) or {})["versionId"] == third.version_id

    fourth = stack.upload(file_key, photograph(4))
    assert stack.finish(fourth)[0]["status"] == "COMPLETED"
    assert (stack.pipeline.asset(file_key) or {})["versionId"] == fourth.version_id


def test_upload_after_a_backfill_of_a_file_without_record_is_newer(stack: Stack, run: Run) -> None:
    file_key = "uploads/backfill-first/a.jpg"
    (lost,) = missed(stack, file_key)
    run("backfill", "--prefix", "uploads/backfill-first/", "--yes")
    stack.finish(lost)

    newer = stack.upload(file_key, photograph(2))

    assert stack.finish(newer)[0]["status"] == "COMPLETED"
    assert (stack.pipeline.asset(file_key) or {})["versionId"] == newer.version_id


def test_forced_backfill_processes_finished_files_again(stack: Stack, run: Run) -> None:
    upload = stack.upload("uploads/backfill-force/a.jpg")
    stack.finish(upload)
    before = stack.pipeline.asset(upload.file_key) or {}
    # What a job's row is worth after its time to live: nothing.
    stack.cloud.client("dynamodb").delete_item(
        TableName=stack.outputs["jobsTable"], Key={"jobId": {"S": upload.job_id}}
    )
    assert "would send 0 of 1" in run("backfill", "--prefix", "uploads/backfill-force/").stdout

    run("backfill", "--prefix", "uploads/backfill-force/", "--force", "--yes")

    after = eventually(lambda: rerun(stack, upload.file_key), "the new run")
    assert after["sequencer"] == before["sequencer"]
    assert after["persistedAt"] > before["persistedAt"]


def test_backfill_is_limited_and_continues_where_it_stopped(stack: Stack, run: Run) -> None:
    lost = missed(stack, *(f"uploads/backfill-bound/{name}.jpg" for name in "abc"))

    said = run("backfill", "--prefix", "uploads/backfill-bound/", "--limit", 2, "--yes").stdout

    assert "sent 2" in said
    (after,) = re.findall(r"--after '(.*?)'", said.replace("\n", ""))
    assert after == "uploads/backfill-bound/b.jpg"
    stack.finish(*lost[:2])
    assert stack.pipeline.job(lost[2]) is None
    run("backfill", "--prefix", "uploads/backfill-bound/", "--after", after, "--yes")
    stack.finish(lost[2])


def test_backfill_outside_of_the_uploads_is_refused(run: Run) -> None:
    for prefix in ("", "processed/"):
        refused = run("backfill", "--prefix", prefix, "--yes", exit_code=1)
        assert "processes uploads/ only" in str(refused.exception)


def rerun(stack: Stack, file_key: str) -> dict[str, Any] | None:
    """A file's record once a new run of it is published."""
    asset = stack.pipeline.asset(file_key)
    return asset if asset and asset["run"] and "publishedAt" in asset else None


def test_new_preset_reaches_the_files_that_lack_it(stack: Stack, run: Run) -> None:
    old, other = stack.upload("uploads/rerender/old.jpg"), stack.upload("uploads/elsewhere.jpg")
    stack.finish(old, other)
    stack.notifications(old, other)
    presets = {
        "w160": {"width": 160, "formats": ["jpeg"], "quality": 82},
        "w2560": {"width": 2560, "formats": ["webp"], "quality": 82},
    }
    with stack.broken("thumbnail", SETTINGS=json.dumps({"presets": presets})):
        arguments = ("rerender", "--prefix", "uploads/rerender/", "--missing-rendition", "w2560")
        assert "would send 1 files in about" in run(*arguments).stdout
        assert rerun(stack, old.file_key) is None

        assert "sent 1 files as run" in run(*arguments, "--yes").stdout

        asset = eventually(lambda: rerun(stack, old.file_key), "the new renditions")
        names = {rendition["name"]: rendition["key"] for rendition in asset["renditions"]}
        assert names.keys() >= {"w160-jpeg", "w2560-webp"}
        assert not names.keys() & {"w320-jpeg"}
        stack.cloud.client("s3").head_object(Bucket=stack.outputs["processedBucket"], Key=names["w2560-webp"])
        stack.await_idle()
        assert "would send 0 files" in run(*arguments).stdout
        # A name stands for itself and its formats, not for every name that begins with it.
        assert "would send 1 files" in run(*arguments[:-1], "w25").stdout
    (message,) = stack.notifications(old)
    assert message["run"] == asset["run"] == audited("rerender")[-1]["run"]
    assert rerun(stack, other.file_key) is None


def test_rerender_by_key_skips_a_file_whose_upload_was_deleted(stack: Stack, run: Run) -> None:
    here, gone = stack.upload("uploads/rerender-gone/here.jpg"), stack.upload("uploads/rerender-gone/gone.jpg")
    stack.finish(here, gone)
    s3 = stack.cloud.client("s3")
    with stack.paused():  # the event of the deletion waits, so the record is still there
        s3.delete_object(Bucket=gone.bucket, Key=gone.file_key, VersionId=gone.version_id)
        with pytest.raises(ClientError):
            s3.head_object(Bucket=gone.bucket, Key=gone.file_key, VersionId=gone.version_id)

        said = run("rerender", here.file_key, gone.file_key, "--yes").stdout

        assert "1 are skipped because their upload was deleted" in said.replace("\n", " ")
    eventually(lambda: rerun(stack, here.file_key), "the new renditions")
    stack.await_idle()
    assert stack.pipeline.asset(gone.file_key) is None


def test_rerender_without_a_selection_of_files_is_an_error(run: Run) -> None:
    for arguments in ((), ("uploads/a.jpg", "--all"), ("--prefix", "uploads/", "--all")):
        assert "one of them" in str(run("rerender", *arguments, exit_code=1).exception)
    unknown = run("rerender", "uploads/unknown.jpg", exit_code=1).exception
    assert "no asset is recorded under uploads/unknown.jpg" in str(unknown)
