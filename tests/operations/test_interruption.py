"""Ctrl-C ends every command with one line that says what was done and what is left, and with exit status 130."""

from __future__ import annotations

import json
import os
import pkgutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from client.audit import audit_file
from client.dead_letters.stack_queues import find_queue
from client.pipeline import Pipeline
from contract.moving import OutgoingMessage, batches
from testing.pictures import photograph
from testing.stack import Stack
from tests.operations.conftest import RunCommand

SEND = "contract.queues:SqsQueue.send"
RECEIVE = "contract.queues:SqsQueue.receive"
FILES, DEAD_LETTERS = 12, 20


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command, the function during whose first call Ctrl-C is typed, and what the line on standard error contains."""

    arguments: str
    at: str
    says: str
    audited: bool = False


CASES = (
    Case(arguments="upload pictures --prefix new --parallel 1", at="client.uploads:_put", says="files are left: run"),
    Case(
        arguments="upload pictures/00.jpg --prefix new --force --wait",
        at="client.pipeline:Pipeline.jobs_of",
        says="1 uploaded; 1 jobs are not finished: `img-pipeline jobs watch`",
    ),
    Case(
        arguments="download interrupted/00.jpg folder",
        at="operations.commands.files:download_renditions",
        says="0 files are complete in folder: download again with --force",
    ),
    Case(
        arguments="jobs watch interrupted/00.jpg never-uploaded.jpg",
        at="operations.commands.jobs:jobs_of_file",
        says="nothing was changed",
    ),
    Case(arguments="jobs watch", at="operations.commands.jobs:_watched", says="jobs are over; the others continue"),
    Case(arguments="jobs list", at="operations.commands.jobs:newest_jobs", says="nothing was changed"),
    Case(arguments="trace interrupted/00.jpg", at="operations.commands.trace:trace_file", says="nothing was changed"),
    Case(arguments="logs interrupted/00.jpg", at="operations.commands.logs:logs_of_file", says="nothing was changed"),
    Case(arguments="doctor --no-smoke", at="operations.commands.doctor:_show", says="1 of "),
    Case(
        arguments="doctor",
        at="operations.doctor.diagnosis:files_are_processed",
        says="checks are done; the smoke test's file may still be under uploads/.doctor/",
    ),
    Case(arguments="drain --wait", at="client.ingestion:pipe_state", says="0 waiting, 0 in progress"),
    Case(arguments="pause --yes", at="client.ingestion:_await_state", says="changing its state", audited=True),
    Case(arguments="resume --yes", at="client.ingestion:_await_state", says="changing its state", audited=True),
    Case(
        arguments="backfill --prefix uploads/interrupted/ --force --yes",
        at=SEND,
        says="continue with --after 'uploads/interrupted/09.jpg'",
        audited=True,
    ),
    Case(arguments="backfill --prefix uploads/interrupted/", at="client.backfill:is_finished", says="nothing was"),
    Case(
        arguments="rerender --prefix uploads/interrupted/ --yes",
        at=SEND,
        says="sent 10 files as run",
        audited=True,
    ),
    Case(arguments="dlq show", at=RECEIVE, says="nothing was changed"),
    Case(arguments="dlq peek never-uploaded", at=RECEIVE, says="nothing was changed"),
    Case(
        arguments="dlq replay delivery --all --yes",
        at=SEND,
        says="replayed 10 to img-pipeline-local-transform-queue; left 10 in delivery; run the command again",
        audited=True,
    ),
    Case(arguments="dlq purge delivery --yes", at="contract.queues:SqsQueue.purge", says="may have been", audited=True),
    Case(arguments="dlq export new.jsonl --queue delivery", at=RECEIVE, says="new.jsonl was not written"),
    Case(arguments="dlq import dead-letters.jsonl --yes", at=SEND, says="imported 10 of 20", audited=True),
    Case(
        arguments="deploy --yes", at="localcloud.deployer:deploy", says="0 resources of local were created or updated"
    ),
)


@pytest.fixture(scope="module")
def files(stack: Stack) -> None:
    """Process some files."""
    stack.finish(
        *[stack.upload(f"uploads/interrupted/{number:02}.jpg", photograph(number, (32, 32))) for number in range(FILES)]
    )


@pytest.fixture
def dead_letters(stack: Stack, connection: Pipeline, files: None) -> Iterator[None]:  # noqa: ARG001
    """Stop the pipe and put messages into the delivery dead-letter queue; remove them at the end."""
    pipes, name = stack.cloud.client("pipes"), stack.outputs["pipeName"]
    queue = connection.queue(find_queue(connection, "delivery").url)
    with stack.paused():
        for batch in batches(OutgoingMessage(body=f"message {number}") for number in range(DEAD_LETTERS)):
            queue.send(batch)
        yield
        pipes.stop_pipe(Name=name)
        for url in (queue.url, stack.outputs["transformQueueUrl"]):
            stack.cloud.client("sqs").purge_queue(QueueUrl=url)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let SIGINT interrupt this process, also one that was started as a script's background job."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The current folder, with pictures to upload and messages to import."""
    (tmp_path / "pictures").mkdir()
    for number in range(FILES):
        (tmp_path / "pictures" / f"{number:02}.jpg").write_bytes(photograph(number, (32, 32)))
    line = json.dumps({"queue": "delivery", "body": "message", "messageAttributes": {}})
    (tmp_path / "dead-letters.jsonl").write_text(f"{line}\n" * DEAD_LETTERS, encoding="utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def interrupt_once(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """Send SIGINT during the first call of a function."""
    module, _, path = target.partition(":")
    *classes, name = path.split(".")
    owner = pkgutil.resolve_name(":".join([module, ".".join(classes)]))
    original: Callable[..., Any] = getattr(owner, name)
    calls: list[object] = []

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, interrupted)


@pytest.mark.usefixtures("ctrl_c", "dead_letters", "folder")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.arguments)
def test_interrupted_command_reports_its_progress_in_one_line(
    case: Case, monkeypatch: pytest.MonkeyPatch, img_pipeline: RunCommand
) -> None:
    interrupt_once(monkeypatch, case.at)

    result = img_pipeline(*case.arguments.split())

    assert result.exit_code == 130, result.output
    (line,) = [line for line in result.stderr.splitlines() if not line.startswith("This is ")]
    assert line.startswith("interrupted: ")
    assert case.says in line
    if case.audited:
        assert json.loads(audit_file("local").read_text(encoding="utf-8").splitlines()[-1])["event"] == "interrupted"
