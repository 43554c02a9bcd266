"""What commands print: identifiers whole, JSON in one style, and an exit status that scripts can act on."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import typer
from rich.console import Console

from contract.moving import MoveResult
from operations.commands.console import finish, print_json, table
from testing.stack import Stack
from tests.operations.conftest import RunCommand


@pytest.mark.parametrize(
    ("result", "status", "report"),
    [
        (MoveResult(sent=3, refused=1), 1, "SQS rejected 1"),
        (MoveResult(sent=3, undeleted=2), 1, "2 messages were sent but not deleted"),
        (MoveResult(sent=3, interrupted=True), 130, "interrupted: sent 3; run the command again"),
    ],
    ids=["refused", "undeleted", "interrupted"],
)
def test_incomplete_move_is_reported_and_fails(
    result: MoveResult, status: int, report: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as exit_:
        finish(result, "sent 3")
    assert exit_.value.exit_code == status
    printed = capsys.readouterr()
    assert report in printed.out + printed.err


def test_complete_move_prints_only_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    finish(MoveResult(sent=3, left=1), "sent 3")
    assert capsys.readouterr().out == "sent 3\n"


KEY = f"uploads/{'a-long-folder/' * 10}cat.jpg"


@pytest.mark.parametrize("terminal", [True, False])
def test_identifiers_are_not_truncated_in_a_table_of_80_columns(terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80, soft_wrap=True, color_system=None)
    for line in table(("file", "version"), [(KEY, "v" * 40), ("uploads/b.jpg", "w")]):
        console.print(line)
    _, first, second = console.file.getvalue().splitlines()  # pyright: ignore[reportAttributeAccessIssue]
    assert first == f"{KEY}  {'v' * 40}"
    assert second == f"{'uploads/b.jpg':{len(KEY)}}  w", "and nothing is padded to the right"


@pytest.fixture(scope="module")
def done(stack: Stack) -> str:
    """The key of a completed file, longer than a terminal is wide."""
    stack.finish(stack.upload(KEY))
    return KEY


@pytest.mark.parametrize(
    "command",
    [("jobs", "list"), ("jobs", "show", KEY), ("asset", "show", KEY), ("trace", KEY)],
    ids=lambda command: " ".join(command[:2]) if isinstance(command, tuple) else None,
)
def test_grep_finds_a_key_in_what_a_command_prints(
    img_pipeline: RunCommand, done: str, command: tuple[str, ...]
) -> None:
    assert done in img_pipeline(*command).stdout


def test_grep_finds_every_output(img_pipeline: RunCommand, stack: Stack) -> None:
    printed = img_pipeline("outputs").stdout.splitlines()
    assert any(line.endswith(stack.outputs["stateMachineArn"]) for line in printed)
    assert len(printed) == sum(len(value) if isinstance(value, dict) else 1 for value in stack.outputs.values())


@dataclass(frozen=True)
class Example:
    first_seen: datetime
    bytes_sent: Decimal
    share: Decimal


def test_json_has_one_style(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([Example(datetime(2026, 11, 27, tzinfo=UTC), Decimal(7), Decimal("0.5"))])
    assert json.loads(capsys.readouterr().out) == [
        {"firstSeen": "2026-11-27T00:00:00+00:00", "bytesSent": 7, "share": 0.5}
    ]


# Below these are names that are not ours: of services, functions and layers, of SQS attributes and of metadata.
FOREIGN = {"services", "attributes", "messageAttributes", "outputs", "metadata", "event", "measures"}


def names(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from () if name in FOREIGN else names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names(inner)


@pytest.mark.parametrize(
    "command",
    [
        ("jobs", "list"),
        ("jobs", "show", KEY),
        ("asset", "show", KEY),
        ("trace", KEY),
        ("dlq", "list"),
        ("dlq", "show", "transform"),
        ("dlq", "peek", "uploads/failed.jpg"),
        ("drain", "--interval", "0.1"),
        ("doctor", "--no-smoke"),
        ("cost", "--uploads-per-day", "1", "--megabytes", "1", "--stack", "prod"),
    ],
    ids=lambda command: " ".join(command[:2]) if isinstance(command, tuple) else None,
)
def test_every_command_writes_json_in_camel_case(
    stack: Stack, img_pipeline: RunCommand, done: str, command: tuple[str, ...]
) -> None:
    assert done
    place = {"bucket": {"name": "b"}, "object": {"key": "uploads/failed.jpg", "version-id": "v"}}
    url = stack.outputs["transformDlqUrl"]
    stack.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"detail": place}))
    try:
        result = img_pipeline(*command, "--json")
        assert result.stdout, result.exception
        found = set(names(json.loads(result.stdout)))
    finally:
        stack.cloud.client("sqs").purge_queue(QueueUrl=url)
    assert found
    assert not {name for name in found if not name[0].islower() or not name.isalnum()}


def test_peek_prints_the_numbers_of_a_job_as_numbers(stack: Stack, img_pipeline: RunCommand, done: str) -> None:
    event = {"bucket": {"name": stack.outputs["ingestBucket"]}, "object": {"key": done, "version-id": _version(stack)}}
    url = stack.outputs["transformDlqUrl"]
    stack.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"detail": event}))
    try:
        job = json.loads(img_pipeline("dlq", "peek", done, "--json").stdout)["job"]
    finally:
        stack.cloud.client("sqs").purge_queue(QueueUrl=url)
    assert (job["attempt"], type(job["attempt"])) == (1, int)


def _version(stack: Stack) -> str:
    return (stack.pipeline.asset(KEY) or {})["versionId"]
