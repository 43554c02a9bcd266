"""The functions' logs of one file, a handler's own output included; renditions as files."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from client.ingestion import watch_backlog
from client.logs import logs_of_file
from client.pipeline import Pipeline
from operations.commands.ingestion import _backlog_text
from operations.interruption import Interruption
from testing.pictures import photograph
from testing.stack import Stack
from testing.waiting import eventually
from tests.operations.conftest import RunCommand

UNDECORATED = """
def handler(event, context):
    print("unpacking the brushes")
    raise RuntimeError("no brush of that size")
"""


@contextmanager
def replaced(stack: Stack, function: str, source: str) -> Iterator[None]:
    """Another handler in place of a function's, until the end."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name in ("functions/__init__.py", f"functions/{function}/__init__.py"):
            opened.writestr(name, "")
        opened.writestr(f"functions/{function}/handler.py", source)
    client, name = stack.cloud.client("lambda"), stack.outputs["functionNames"][function]
    alias = client.get_alias(FunctionName=name, Name="live")
    version = client.update_function_code(FunctionName=name, ZipFile=archive.getvalue(), Publish=True)["Version"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    try:
        yield
    finally:
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=alias["FunctionVersion"])


def test_log_of_a_file_has_every_function_that_processed_it(
    stack: Stack, connection: Pipeline, img_pipeline: RunCommand
) -> None:
    ours, other = stack.upload("uploads/logged.jpg"), stack.upload("uploads/other.jpg")
    stack.finish(ours, other)

    lines = logs_of_file(connection, "logged.jpg")

    assert {line.function for line in lines} == {"validate", "thumbnail", "watermark", "metadata"}
    assert not [line for line in lines if "uploads/other.jpg" in line.text]
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    printed = img_pipeline("logs", "uploads/logged.jpg", "--json")
    assert printed.exit_code == 0
    assert {line["function"] for line in json.loads(printed.stdout)} >= {"validate"}


def test_log_includes_the_output_and_traceback_of_a_custom_handler(stack: Stack, img_pipeline: RunCommand) -> None:
    def trace_of_failed_job() -> str | None:
        # The next attempt sets the job to PROCESSING again.
        printed = img_pipeline("trace", "brushes.jpg").stdout
        return printed if "FAILED" in printed.partition("\n")[0] else None

    with replaced(stack, "metadata", UNDECORATED):
        upload = stack.upload("uploads/brushes.jpg")
        eventually(lambda: (stack.pipeline.job(upload) or {}).get("status") == "FAILED", "the failed attempt", 120)
        result = img_pipeline("logs", "brushes.jpg")
        traced = eventually(trace_of_failed_job, "a trace between two attempts", 120)
    assert "? unpacking the brushes" in result.stdout
    assert "no brush of that size" in result.stdout
    assert "unpacking the brushes" in traced
    assert "Traceback" in traced
    stack.finish(upload, timeout_seconds=240)


def test_log_of_a_file_leaves_out_an_invocation_that_began_before(stack: Stack, connection: Pipeline) -> None:
    upload = stack.upload("uploads/after.jpg")
    stack.finish(upload)
    logs, group = stack.cloud.client("logs"), stack.pipeline.outputs.log_groups["metadata"]
    at = round(time.time() * 1000)
    logs.create_log_stream(logGroupName=group, logStreamName="before")
    logs.put_log_events(
        logGroupName=group,
        logStreamName="before",
        logEvents=[
            {"timestamp": at, "message": "about another file"},
            {"timestamp": at, "message": "REPORT RequestId: 00000000-0000-0000-0000-000000000000 Duration: 1 ms"},
        ],
    )
    texts = [line.text for line in logs_of_file(connection, "after.jpg")]
    assert [text for text in texts if text.startswith("REPORT")]
    assert "about another file" not in texts


def test_log_of_an_unknown_file_is_an_error_in_one_line(img_pipeline: RunCommand) -> None:
    result = img_pipeline("logs", "uploads/nowhere.jpg")
    assert result.exit_code == 1


def test_download_writes_each_rendition_and_replaces_no_file_without_force(
    stack: Stack, img_pipeline: RunCommand, tmp_path: Path
) -> None:
    upload = stack.upload("uploads/fetched.jpg")
    stack.finish(upload)
    renditions = (stack.pipeline.asset("uploads/fetched.jpg") or {})["renditions"]

    result = img_pipeline("download", "fetched.jpg", str(tmp_path / "out"))

    assert result.exit_code == 0, result.output
    names = {rendition["key"].rsplit("/", 1)[-1]: rendition["bytes"] for rendition in renditions}
    assert {path.name: path.stat().st_size for path in (tmp_path / "out").iterdir()} == names
    again = img_pipeline("download", "fetched.jpg", str(tmp_path / "out"))
    assert (again.exit_code, type(again.exception).__name__) == (1, "InvalidRequestError")
    assert img_pipeline("download", "fetched.jpg", str(tmp_path / "out"), "--force").exit_code == 0


@pytest.mark.parametrize("command", [("jobs", "watch"), ("trace",), ("jobs", "show"), ("asset", "show"), ("download",)])
def test_unknown_file_is_reported_in_one_line(img_pipeline: RunCommand, command: tuple[str, ...]) -> None:
    result = img_pipeline(*command, "uploads/nowhere.jpg")
    assert (result.exit_code, type(result.exception).__name__) == (1, "NotFoundError")


def test_replaying_an_empty_queue_succeeds(img_pipeline: RunCommand) -> None:
    result = img_pipeline("dlq", "replay", "delivery", "--all", "--yes")
    assert (result.exit_code, result.stdout.strip()) == (0, "delivery: 0")


def test_trace_reports_that_the_pipe_is_stopped(stack: Stack, img_pipeline: RunCommand) -> None:
    with stack.paused():
        upload = stack.upload("uploads/waits.jpg")
        result = img_pipeline("trace", "waits.jpg")
    assert "The pipe is STOPPED" in result.stdout
    assert "img-pipeline resume" in result.stdout
    stack.finish(upload)


def test_waiting_for_a_failing_file_reports_the_failure_and_the_next_attempt(
    stack: Stack, img_pipeline: RunCommand, tmp_path: Path
) -> None:
    picture = tmp_path / "fails.jpg"
    with stack.broken("watermark", SETTINGS="{"):
        picture.write_bytes(photograph(seed=77))
        result = img_pipeline("upload", str(picture), "--wait", "--timeout", "20")
    assert "attempt 1 of " in result.output
    assert "delivers it again within" in result.output
    dead_letters = stack.outputs["transformDlqUrl"]
    eventually(lambda: stack.pipeline.queue_depth(dead_letters) == 1, "the dead letter", 120)
    stack.pipeline.take_messages(dead_letters)


def test_rate_is_unknown_at_first_and_then_that_of_the_last_readings(
    connection: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    depths = iter([100, 100, 90, 80, 0, 0, 0])

    class Queue:
        def depth(self) -> object:
            total = next(depths)
            return type("Depth", (), {"total": total, "visible": total, "delayed": 0, "in_flight": 0})()

    class Scripted(Interruption):
        seconds = 0.0

        def now(self) -> float:
            return self.seconds

        def sleep(self, seconds: float) -> None:
            self.seconds += seconds

    monkeypatch.setattr(Pipeline, "queue", lambda *_: Queue())
    looks = list(watch_backlog(connection, clock=Scripted(), interval_seconds=5))
    assert [look.per_second for look in looks[:4]] == [None, 0, 1, pytest.approx(20 / 15)]
    assert _backlog_text(looks[1]).endswith("not decreasing")
