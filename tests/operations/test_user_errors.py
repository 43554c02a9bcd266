"""Mistakes on the command line and in files end in one line that says what to do, and exit status 1."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest

from components.settings import PROJECT_DIRECTORY
from operations import cli
from operations.cost import settings as cost_settings
from operations.deploy import engine, pulumi_cli
from operations.deploy.region import REGION_VARIABLES
from testing.stack import Stack
from tests.operations.scripted_pulumi import ScriptedPulumi

UNREACHABLE = "http://127.0.0.1:1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
BROKEN_YAML = "config:\n  img-pipeline:maxBytes: [1\n  img-pipeline:tracing: true\n"


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A command that cannot succeed, what its environment has, and what the line it prints must contain."""

    arguments: str
    says: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


MISTAKES = {
    "picture in place of an export": Mistake(
        arguments="dlq import photo.jpg --local", says=("photo.jpg is not text", "`dlq export`")
    ),
    "text in place of an export": Mistake(
        arguments="dlq import notes.txt --local", says=("line 1 of notes.txt", "`dlq export`")
    ),
    "export into a missing folder": Mistake(
        arguments="dlq export missing/dead-letters.jsonl --local",
        says=("missing/dead-letters.jsonl cannot be created",),
    ),
    "missing file to import": Mistake(
        arguments="dlq import missing.jsonl --local",
        says=("missing.jsonl cannot be read: No such file", "`dlq export`"),
    ),
    "folder in place of an export": Mistake(
        arguments="dlq import empty --local", says=("empty cannot be read: Is a directory", "`dlq export`")
    ),
    "folder to export into": Mistake(
        arguments="dlq export empty --local", says=("empty exists already", "name another file")
    ),
    "missing file to upload": Mistake(
        arguments="upload missing.jpg --local", says=("missing.jpg does not exist", "name a file")
    ),
    "empty folder to upload": Mistake(
        arguments="upload empty --local", says=("empty contains no files", "name a file, a folder with files")
    ),
    "settings that are not UTF-8": Mistake(
        arguments="deploy --local --yes --config-file latin-1.yaml", says=("latin-1.yaml", "save the file as UTF-8")
    ),
    "folder in place of settings": Mistake(
        arguments="preview --stack broken --config-file empty", says=("empty: Is a directory", "name a YAML file")
    ),
    "no region, deploy": Mistake(
        arguments="deploy --stack nowhere --yes",
        says=("no AWS region is configured", "aws:region", "Pulumi.nowhere.yaml", "AWS_REGION"),
    ),
    "no region, preview": Mistake(
        arguments="preview --stack nowhere", says=("no AWS region is configured", "aws:region", "AWS_REGION")
    ),
    "wrong prefix under a progress bar": Mistake(
        arguments="backfill --prefix elsewhere/ --local", says=("elsewhere/ is outside",)
    ),
    "malformed settings, cost": Mistake(
        arguments="cost --uploads-per-day 1 --megabytes 1 --stack broken",
        says=("Pulumi.broken.yaml, line 3", "not valid YAML", "correct the file"),
    ),
    "malformed settings, preview": Mistake(
        arguments="preview --stack broken", says=("Pulumi.broken.yaml, line 3", "not valid YAML", "correct the file")
    ),
    "malformed settings, deploy": Mistake(
        arguments="deploy --stack broken --yes", says=("Pulumi.broken.yaml, line 3", "correct the file")
    ),
    "a list in place of settings": Mistake(
        arguments="cost --uploads-per-day 1 --megabytes 1 --stack list",
        says=("Pulumi.list.yaml must be an object", "`key: value`"),
    ),
    "no credentials": Mistake(arguments="jobs list --stack dev", says=("credentials", "aws sso login")),
    "unknown profile": Mistake(
        arguments="jobs list --stack dev", environment={"AWS_PROFILE": "nobody"}, says=("nobody", "AWS_PROFILE")
    ),
    "unreachable endpoint": Mistake(
        arguments="jobs list --stack dev",
        environment={**CREDENTIALS, "AWS_ENDPOINT_URL": UNREACHABLE, "AWS_MAX_ATTEMPTS": "1"},
        says=(UNREACHABLE, "AWS_ENDPOINT_URL"),
    ),
}


@pytest.fixture
def run_main(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, stack: Stack, announced: Path
) -> Callable[[Mistake], tuple[object, str]]:
    """Run the command line as its entry point does, in a folder with unsuitable files and in a bare environment."""
    assert announced.exists()
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "notes.txt").write_text("not an export\n", encoding="utf-8")
    (tmp_path / "latin-1.yaml").write_text("alertEmail: jürgen@example.com\n", encoding="latin-1")
    (tmp_path / "empty").mkdir()
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_bytes((PROJECT_DIRECTORY / "Pulumi.yaml").read_bytes())
    (project / "Pulumi.broken.yaml").write_text(BROKEN_YAML, encoding="utf-8")
    (project / "Pulumi.list.yaml").write_text("- img-pipeline:maxBytes: 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cost_settings, "PROJECT_DIRECTORY", project)

    settled = {"directory": project, "pulumi": ScriptedPulumi()}
    made = engine.Engine
    monkeypatch.setattr(pulumi_cli, "PulumiCli", ScriptedPulumi)
    monkeypatch.setattr(engine, "Engine", lambda **options: made(**options | settled))
    monkeypatch.setattr(engine, "stack_outputs", lambda *_, **__: dict(stack.outputs))

    def run(mistake: Mistake) -> tuple[object, str]:
        for name in (*CREDENTIALS, "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", *REGION_VARIABLES):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
        for name, value in mistake.environment.items():
            monkeypatch.setenv(name, value)
        # boto3 keeps the credentials that an earlier test's clients had.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        monkeypatch.setattr(sys, "argv", ["img-pipeline", *mistake.arguments.split()])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        return exit_.value.code, capsys.readouterr().err

    return run


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_reported_in_one_line_that_says_what_to_do(
    mistake: Mistake, run_main: Callable[[Mistake], tuple[object, str]]
) -> None:
    status, error = run_main(mistake)
    assert status == 1
    assert error.strip()
    assert error.count("\n") == 1, error
    for part in mistake.says:
        assert part in error
