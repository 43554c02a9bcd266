"""The command line: fast help, and errors in one line."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from client.errors import PipelineError
from localcloud.announcement import LocalCloud
from operations import cli
from operations.connection import connect
from testing.stack import Stack
from tests.operations.conftest import RunCommand

SLOW_TO_IMPORT = ("pulumi", "PIL", "localcloud.deployer", "ministack")


def commands() -> Iterator[tuple[str, TyperCommand]]:
    """Every command with its whole name."""

    def below(name: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
        if isinstance(command, TyperGroup):
            for part, inner in command.commands.items():
                yield from below(f"{name} {part}", inner)
        else:
            assert isinstance(command, TyperCommand)
            yield name, command

    yield from below("img-pipeline", get_command(cli.app))


ALL_COMMANDS = dict(commands())


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_command_has_a_description_and_an_example(name: str) -> None:
    text = ALL_COMMANDS[name].help or ""
    assert re.match(r"[A-Z][^\n]+", text), text
    assert f"{name} " in text or f"{name}\n" in text, "its help shows how it is typed"


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_option_and_argument_has_a_help_text(name: str) -> None:
    unexplained = [parameter.name for parameter in ALL_COMMANDS[name].params if not getattr(parameter, "help", None)]
    assert not unexplained


def test_version_is_that_of_the_project() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    result = CliRunner().invoke(cli.app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"img-pipeline {tomllib.loads(text)['project']['version']}\n")


def test_all_documented_commands_exist() -> None:
    names = {name.removeprefix("img-pipeline ") for name in ALL_COMMANDS}
    deployment = {"deploy", "preview", "destroy", "refresh", "outputs"}
    files = {"upload", "jobs list", "jobs show", "jobs watch", "asset show", "trace"}
    letters = {f"dlq {part}" for part in ("list", "show", "peek", "replay", "purge", "export", "import")}
    assert names >= deployment | files | letters | {
        "pause",
        "resume",
        "drain",
        "backfill",
        "rerender",
        "doctor",
        "cost",
    }


def test_help_does_not_wait_for_slow_imports() -> None:
    loaded = f"import sys, operations.cli; print([name for name in {SLOW_TO_IMPORT} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", loaded], text=True).strip() == "[]"  # noqa: S603


def test_error_is_printed_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], announced: Path
) -> None:
    assert announced.exists()
    monkeypatch.setattr(sys, "argv", ["img-pipeline", "jobs", "show", "no[such]file", "--local"])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: local has no job for no[such]file")
    assert said.err.count("\n") == 1


def test_error_of_aws_is_printed_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stack: Stack, announced: Path
) -> None:
    assert announced.exists()
    outputs = {**stack.outputs, "jobsTable": "img-pipeline-local-gone"}
    LocalCloud(endpoint_url=stack.cloud.endpoint_url, region=stack.cloud.region, outputs=outputs).announce()
    monkeypatch.setattr(sys, "argv", ["img-pipeline", "jobs", "list", "--local"])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 1
    assert re.fullmatch(r"AWS refused: .*ResourceNotFoundException.*\n", capsys.readouterr().err)


def test_command_without_an_embedded_cloud_names_the_command_that_starts_one(local_state: Path) -> None:
    assert not local_state.exists()
    with pytest.raises(PipelineError, match="start one with `make up`"):
        connect(None, local=True)


def test_local_and_another_stack_cannot_be_combined(announced: Path) -> None:
    assert announced.exists()
    with pytest.raises(PipelineError, match="--local means the stack local, but the stack prod was requested"):
        connect("prod", local=True)
    assert connect("local", local=True).stack == connect(None, local=True).stack == "local"


def test_embedded_cloud_that_no_longer_runs_is_an_error(local_state: Path) -> None:
    LocalCloud(endpoint_url="http://127.0.0.1:9", region="us-east-1", outputs={}).announce()
    assert local_state.exists()
    with pytest.raises(PipelineError, match=r"127\.0\.0\.1:9 does not respond"):
        connect("local")


def test_stack_of_an_older_program_must_be_deployed_again(stack: Stack, local_state: Path) -> None:
    assert not local_state.exists()
    outputs = {name: value for name, value in stack.outputs.items() if name != "alarmNames"}
    LocalCloud(endpoint_url=stack.cloud.endpoint_url, region="us-east-1", outputs=outputs).announce()
    with pytest.raises(PipelineError, match="does not export alarmNames: deploy it again"):
        connect("local")


def test_announcement_is_deleted_by_its_own_cloud_only(stack: Stack, local_state: Path) -> None:
    older = LocalCloud(endpoint_url="http://127.0.0.1:9", region="us-east-1", outputs={})
    newer = LocalCloud(endpoint_url=stack.cloud.endpoint_url, region="us-east-1", outputs=stack.outputs)
    with older.announced():
        newer.announce()
    assert connect("local").outputs.pipe_name == stack.outputs["pipeName"]
    with newer.announced():
        assert connect("local").endpoint_url == stack.cloud.endpoint_url
    assert not local_state.exists()


def test_outputs_are_printed_as_table_as_json_and_one_by_one(img_pipeline: RunCommand, stack: Stack) -> None:
    bucket = stack.outputs["ingestBucket"]
    assert re.search(rf"^ingestBucket\s+{bucket}\s*$", img_pipeline("outputs").stdout, re.MULTILINE)
    assert f'"ingestBucket": "{bucket}"' in img_pipeline("outputs", "--json").stdout
    assert img_pipeline("outputs", "ingestBucket").stdout == f"{bucket}\n"
