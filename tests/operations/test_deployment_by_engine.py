"""What only the real Pulumi CLI can show of the driver; left out where there is none on PATH or in the cache.

Its program needs no provider: the engine itself keeps `pulumi:index:Stash`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from pulumi.automation import CommandResult, OnOutput

from client.errors import PipelineError
from operations.deploy import changes
from operations.deploy import engine as deployment
from operations.deploy.engine import DeploymentFailed, DeploymentRefused, Engine
from operations.deploy.location import find_cli
from tests.engine.stack import Cli

pytestmark = pytest.mark.skipif(find_cli() is None, reason="there is no Pulumi CLI: `make engine` gets one")

STASH = "pulumi:index:Stash"
PROGRAM = """
import time
import pulumi

config = pulumi.Config()
previous = pulumi.Output.from_input(config.get("value") or "v")
for number in range(config.get_int("count") or 2):
    pause = config.get_float("pause") or 0

    def slowly(value):
        if not pulumi.runtime.is_dry_run():
            time.sleep(pause)
        return value

    stash = pulumi.Stash(
        f"stash-{number}", input=previous.apply(slowly), opts=pulumi.ResourceOptions(replace_on_changes=["input"])
    )
    previous = stash.output
pulumi.export("token", config.get_secret("token"))
if config.get_bool("crash"):
    raise KeyError("no such thing")
"""


class RecordingCli(Cli):
    """The real CLI, and the arguments that each of its processes was started with."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[list[str]] = []

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        self.commands.append(args)
        return super().run(args, cwd, additional_env, on_output, on_error)

    def run_with_input(self, args: list[str], cwd: str, additional_env: Mapping[str, str], text: str) -> CommandResult:
        self.commands.append(args)
        return super().run_with_input(args, cwd, additional_env, text)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A project, a file backend and a home folder of the test's own."""
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "state").mkdir()
    (project / "Pulumi.yaml").write_text("name: stashes\nruntime: python\n")
    (project / "__main__.py").write_text(PROGRAM)
    cli = find_cli()
    assert cli
    environment = {
        "PATH": os.pathsep.join([str(cli.parent), os.environ["PATH"]]),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "correct horse",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "AWS_REGION": "eu-west-1",
    }
    return Engine(directory=project, pulumi=RecordingCli(), environment=environment)


def test_stack_is_created_updated_and_destroyed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "STATEFUL_TYPES", frozenset({STASH}))
    with pytest.raises(PipelineError, match="there is no stack trial"):
        deployment.stack_outputs("trial", engine=engine)
    with pytest.raises(PipelineError, match="there is no stack trial"):
        deployment.preview("trial", config={"value": "a"}, engine=engine)
    assert not (engine.directory / "Pulumi.trial.yaml").exists()

    created = deployment.deploy("trial", config={"value": "a"}, secrets={"token": "hush 123"}, engine=engine)
    stashes = [change for change in created.changes if change.type == STASH]
    assert [change.operation for change in stashes] == ["create", "create"]
    assert created.outputs == {"token": "hush 123"}
    settings = (engine.directory / "Pulumi.trial.yaml").read_bytes()
    assert deployment.preview("trial", config={"value": "z"}, engine=engine).changes
    assert (engine.directory / "Pulumi.trial.yaml").read_bytes() == settings

    # The secret is in no file and in no list of processes.
    assert isinstance(engine.pulumi, RecordingCli)
    assert "hush" not in json.dumps(engine.pulumi.commands)
    files = [path for path in engine.directory.parent.rglob("*") if path.is_file()]
    assert not [path for path in files if b"hush" in path.read_bytes()]
    kept = yaml.safe_load((engine.directory / "Pulumi.trial.yaml").read_text())["config"]
    assert kept["stashes:value"] == "a"
    assert set(kept["stashes:token"]) == {"secure"}

    assert not deployment.deploy("trial", engine=engine).changes, "a second time there is nothing to change"

    with pytest.raises(DeploymentRefused, match=f"replace {STASH} stash-0"):
        deployment.deploy("trial", config={"value": "b"}, engine=engine)
    replaced = deployment.deploy("trial", config={"value": "b"}, allow=[STASH], engine=engine)
    assert {(change.operation, change.causes) for change in replaced.changes} == {("replace", ("input",))}

    with pytest.raises(DeploymentFailed, match="the program raised KeyError: 'no such thing'"):
        deployment.preview("trial", config={"crash": True}, engine=engine)

    with pytest.raises(DeploymentRefused, match=f"delete {STASH} stash-"):
        deployment.destroy("trial", engine=engine)
    gone = deployment.destroy("trial", allow=[STASH], engine=engine)
    assert {change.operation for change in gone.changes} == {"delete"}
    assert deployment.stack_outputs("trial", engine=engine) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_deployment_that_was_interrupted_is_completed_by_the_next_one(engine: Engine, number: signal.Signals) -> None:
    """A stopped CI job sends SIGTERM: the next one must find the stack unlocked, and what was made noted.

    In a process of its own: a program whose engine is interrupted leaves coroutines that disturb whatever runs later.
    """
    command = _command_line(engine)
    (engine.directory / "settings.yaml").write_text("{count: 6, pause: 0.5}")
    with subprocess.Popen(  # noqa: S603 - our own command line
        [*command, "deploy", "--stack", "trial", "--yes", "--config-file", str(engine.directory / "settings.yaml")],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr
        told = _read_until(process.stderr.readline, f"create {STASH} stash-1")
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait() == 130
    assert "stopping after the operations in progress" in told + rest
    assert re.search(
        r"^interrupted: deploy of trial was stopped: \d created; run the command again", rest, re.MULTILINE
    )
    assert "Traceback" not in rest
    left = {change.name for change in deployment.deploy("trial", engine=engine).changes if change.type == STASH}
    assert "stash-5" in left
    assert not left & {"stash-0", "stash-1"}


def _command_line(engine: Engine) -> list[str]:
    """`img-pipeline` on the test's own project."""
    driver = (
        "import functools, os, sys\n"
        "from pathlib import Path\n"
        "from operations import cli\nfrom operations.deploy import engine as deployment\n"
        f"os.environ.update({dict(engine.environment)!r})\n"
        f"deployment.Engine = functools.partial(deployment.Engine, directory=Path({str(engine.directory)!r}))\n"
        "cli.main()\n"
    )
    return [sys.executable, "-c", driver]


def _read_until(readline: Callable[[], str], wanted: str) -> str:
    """Lines up to the wanted one; fails after half a minute."""
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(_until(readline, wanted)), daemon=True)
    reader.start()
    reader.join(30)
    text = "".join(lines)
    assert wanted in text, text
    return text


def _until(readline: Callable[[], str], wanted: str) -> list[str]:
    lines = []
    while line := readline():
        lines.append(line)
        if wanted in line:
            break
    return lines
