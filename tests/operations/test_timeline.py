"""`trace` shows everything that happened to a file, whatever its outcome."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import pytest

from client.errors import PipelineError
from client.jobs import follow
from client.pipeline import Pipeline
from client.trace import Entry, Trace, trace_file
from operations.interruption import Interruption
from testing.pictures import photograph
from testing.stack import Stack
from testing.waiting import eventually
from tests.operations.conftest import RunCommand


def entries_of(entries: Iterable[Entry], where: str) -> list[str]:
    return [entry.what for entry in entries if entry.where == where]


def with_log_lines(connection: Pipeline, name: str, lines: Mapping[str, int]) -> Trace:
    """The trace once it has so many log lines of each function: they appear a little after the events."""

    def found() -> Trace | None:
        trace = trace_file(connection, name)
        return trace if all(len(entries_of(trace.entries, where)) >= count for where, count in lines.items()) else None

    return eventually(found, f"log lines {lines}")


def test_timeline_of_a_completed_file_reaches_from_upload_to_notification(stack: Stack, connection: Pipeline) -> None:
    upload = stack.upload("uploads/traced/cat.jpg")
    stack.finish(upload)
    functions = ("validate", "thumbnail", "watermark", "metadata")
    trace = with_log_lines(connection, "traced/cat.jpg", dict.fromkeys(functions, 1))

    assert trace.upload == upload
    assert trace.job is not None
    assert trace.job["status"] == "COMPLETED"
    assert [entry.at for entry in trace.entries] == sorted(entry.at for entry in trace.entries)
    assert trace.entries[0].what.startswith("uploaded: ")
    stages = [what.removeprefix("attempt 1: ") for what in entries_of(trace.entries, "workflow")]
    assert stages == ["RECEIVED", "VALIDATED", "TRANSFORMED", "PERSISTED", "PUBLISHED", "COMPLETED"]
    for function in functions:
        (line,) = entries_of(trace.entries, function)
        assert " ms" in line
    assert len([what for what in entries_of(trace.entries, "S3") if what.startswith("rendition ")]) == 9
    assert entries_of(trace.entries, "assets table") == ["recorded with 9 renditions"]
    assert entries_of(trace.entries, "results topic") == ["AssetReady was published"]
    assert trace.now == ("Finished: recorded and published; no action is needed.",)


def test_timeline_of_a_failed_file_has_every_attempt_its_error_and_its_queue(
    stack: Stack, connection: Pipeline
) -> None:
    with stack.broken("watermark", SETTINGS="{}"):
        upload = stack.upload("uploads/traced/fails.jpg")
        follow(connection, [upload], clock=Interruption(), timeout_seconds=60)
    stack.await_idle()
    trace = with_log_lines(connection, "uploads/traced/fails.jpg", {"watermark": 5})

    failures = [what for what in entries_of(trace.entries, "workflow") if what.endswith("FAILED")]
    assert failures == [f"attempt {number}: FAILED" for number in range(1, 6)]
    errors = [entry for entry in trace.entries if entry.where == "watermark" and entry.failed]
    assert len(errors) == 5, "the log line of each attempt, though the job's row names only the last execution"
    assert all("Error" in entry.what for entry in errors)
    assert trace.now[0].startswith("Attempt 5 failed with ")
    assert "is in the dead-letter queue transform" in trace.now[1]
    assert (
        "`img-pipeline dlq replay transform --only uploads/traced/fails.jpg --stack local` sends it back"
        in trace.now[2]
    )


def test_timeline_of_a_rejected_file_has_its_reason_and_its_hint(stack: Stack, connection: Pipeline) -> None:
    stack.finish(stack.upload("uploads/traced/note.jpg", b"no image"))
    trace = trace_file(connection, "uploads/traced/note.jpg")
    assert entries_of(trace.entries, "results topic") == ["AssetRejected was published"]
    assert "Rejected as UNSUPPORTED_TYPE" in trace.now[0]
    assert "Convert it" in trace.now[0]
    assert "is in the dead-letter queue validate" in trace.now[1]


def test_trace_reports_a_waiting_file(stack: Stack, connection: Pipeline) -> None:
    with stack.paused():
        upload = stack.upload("uploads/traced/waits.jpg")
        trace = trace_file(connection, "uploads/traced/waits.jpg")
        assert trace.job is None
        assert trace.now[0] == "The workflow has not received it: there is no job."
        assert "waits in the transform queue, which holds 1 to deliver" in trace.now[1]
    stack.finish(upload)


def test_each_version_has_its_own_timeline(stack: Stack, connection: Pipeline) -> None:
    older = stack.upload("uploads/traced/twice.jpg")
    stack.finish(older)
    newer = stack.upload("uploads/traced/twice.jpg", photograph(2))
    stack.finish(newer)

    newest = trace_file(connection, "uploads/traced/twice.jpg")
    assert newest.upload == newer
    assert newest.other_versions == (older.version_id,)
    assert len(entries_of(newest.entries, "validate")) == 1

    first = trace_file(connection, "uploads/traced/twice.jpg", older.version_id)
    assert first.upload == older
    assert len(entries_of(first.entries, "validate")) == 1
    assert entries_of(first.entries, "assets table") == [], "the record is about the newer version"
    with pytest.raises(PipelineError, match="has no version nope"):
        trace_file(connection, "uploads/traced/twice.jpg", "nope")


def test_deleted_version_still_has_a_timeline(stack: Stack, connection: Pipeline) -> None:
    upload = stack.upload("uploads/traced/gone.jpg")
    stack.finish(upload)
    stack.cloud.client("s3").delete_object(Bucket=upload.bucket, Key=upload.file_key, VersionId=upload.version_id)
    trace = trace_file(connection, "uploads/traced/gone.jpg")
    assert trace.upload == upload
    assert trace.now[0] == "The bucket no longer has this version."
    assert entries_of(trace.entries, "workflow")[-1] == "attempt 1: COMPLETED"


def test_an_unknown_file_is_an_error(connection: Pipeline) -> None:
    with pytest.raises(PipelineError, match=r"has no file uploads/never\.jpg"):
        trace_file(connection, "never.jpg")


def test_the_command_prints_the_timeline_or_json(stack: Stack, img_pipeline: RunCommand) -> None:
    upload = stack.upload("uploads/traced/printed.jpg")
    stack.finish(upload)
    printed = img_pipeline("trace", "traced/printed.jpg").stdout
    assert printed.index("uploaded: ") < printed.index("attempt 1: COMPLETED") < printed.index("no action is needed")
    record = json.loads(img_pipeline("trace", "traced/printed.jpg", "--json").stdout)
    assert record["jobId"] == upload.job_id
    assert record["status"] == "COMPLETED"
    assert {"at", "where", "what", "failed"} == set(record["entries"][0])
