"""Deployments: stateful resources are protected, secrets are not printed, and failures name the resource."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.automation import CommandResult
from typer.main import get_command
from typer.testing import CliRunner, Result

from client.errors import PipelineError
from components.settings import config_schema, parse_settings
from examples.deploy_as_library import deploy_tenant
from operations import cli
from operations.deploy import engine as deployment
from operations.deploy import pulumi_cli
from operations.deploy.changes import STATEFUL_TYPES
from operations.deploy.engine import PROJECT_DIRECTORY, DeploymentFailed, DeploymentRefused, DeploymentResult, Engine
from operations.deploy.location import RELEASE, cache_directory
from operations.deploy.pulumi_cli import PulumiCli
from operations.deploy.settings_file import with_settings
from policies.recording import run as run_program
from tests.operations.scripted_pulumi import Event, Reply, ScriptedPulumi, diagnostic, replacement, step, summary, urn

BUCKET = "aws:s3/bucket:Bucket"
ROLE = "aws:iam/role:Role"
SETTINGS = """\
# What this stack is for.
config:
  aws:region: eu-west-1
  # Twenty megabytes.
  img-pipeline:maxBytes: 20971520
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with one stack; the scripted CLI never runs its program."""
    (tmp_path / "Pulumi.yaml").write_text("name: img-pipeline\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(SETTINGS)
    return tmp_path


def scripted(preview: list[Event], **replies: Reply) -> ScriptedPulumi:
    """A CLI whose preview, of an update or of anything else, reports these events."""
    return ScriptedPulumi(
        replies={"preview": Reply(events=preview), **replies}, outputs={"ingestBucket": "uploads-here"}
    )


CREATION = [*step("create", BUCKET, "ingest-bucket"), *step("create", ROLE, "validate"), summary(create=2)]
CREATED = Reply(
    events=[
        *step("create", BUCKET, "ingest-bucket", planning=False),
        *step("create", ROLE, "validate", planning=False),
        summary(create=2),
    ]
)


def test_deployment_previews_first_and_returns_its_changes(project: Path) -> None:
    pulumi = scripted(CREATION, up=CREATED)
    result = deployment.deploy("dev", engine=Engine(directory=project, pulumi=pulumi))
    assert pulumi.operations == ["preview", "up"]
    assert result.applied
    assert {(change.operation, change.name) for change in result.changes} == {
        ("create", "ingest-bucket"),
        ("create", "validate"),
    }
    assert result.outputs == {"ingestBucket": "uploads-here"}


def test_a_deployment_that_is_not_confirmed_changes_nothing(project: Path) -> None:
    pulumi = scripted(CREATION)
    asked: list[DeploymentResult] = []

    def decline(preview: DeploymentResult) -> bool:
        asked.append(preview)
        return False

    result = deployment.deploy("dev", confirm=decline, engine=Engine(directory=project, pulumi=pulumi))
    assert pulumi.operations == ["preview"]
    assert not result.applied
    assert [len(preview.changes) for preview in asked] == [2]


def test_stateful_types_hold_data_or_are_referred_to_by_name() -> None:
    assert set(STATEFUL_TYPES) == {
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:dynamodb/table:Table",
        "aws:kms/key:Key",
        "aws:cognito/userPool:UserPool",
        "aws:s3/bucket:Bucket",
        "aws:sns/topic:Topic",
        "aws:sqs/queue:Queue",
    }


@pytest.mark.parametrize("type_", sorted(STATEFUL_TYPES))
def test_stateful_resource_is_not_replaced_unless_allowed(project: Path, type_: str) -> None:
    pulumi = scripted([*replacement(type_, "precious", "name"), summary(replace=1)])
    with pytest.raises(DeploymentRefused, match=f"would lose state .replace {type_} precious") as refusal:
        deployment.deploy("dev", engine=Engine(directory=project, pulumi=pulumi))
    assert pulumi.operations == ["preview"], "nothing was changed"
    assert [change.causes for change in refusal.value.refused] == [("name",)]
    assert f"--allow-replace {type_}," in str(refusal.value), "the message says what to add"


@pytest.mark.parametrize("type_", sorted(STATEFUL_TYPES))
def test_stateful_resource_is_not_deleted_unless_allowed(project: Path, type_: str) -> None:
    events = [*step("delete", type_, "precious"), summary(delete=1)]
    pulumi = scripted(events)
    engine = Engine(directory=project, pulumi=pulumi)
    with pytest.raises(DeploymentRefused, match=r"delete .* precious"):
        deployment.deploy("dev", engine=engine)
    with pytest.raises(DeploymentRefused, match=r"delete .* precious"):
        deployment.destroy("dev", engine=engine)
    assert all("--preview-only" in command for command in pulumi.commands if command[0] == "destroy")


@pytest.mark.parametrize("leave", [BUCKET, urn(BUCKET, "ingest-bucket")])
def test_allowed_type_or_resource_is_replaced(project: Path, leave: str) -> None:
    events = [*replacement(BUCKET, "ingest-bucket", "bucket"), summary(replace=1)]
    pulumi = scripted(events, up=Reply(events=events))
    deployment.deploy("dev", allow=[leave], engine=Engine(directory=project, pulumi=pulumi))
    assert pulumi.operations == ["preview", "up"]


def test_allowing_one_resource_does_not_allow_another(project: Path) -> None:
    events = [
        *replacement(BUCKET, "ingest-bucket", "bucket"),
        *replacement(BUCKET, "transform-bucket", "bucket"),
        summary(replace=2),
    ]
    with pytest.raises(DeploymentRefused) as refusal:
        deployment.deploy(
            "dev",
            allow=[urn(BUCKET, "ingest-bucket")],
            engine=Engine(directory=project, pulumi=scripted(events)),
        )
    assert [change.name for change in refusal.value.refused] == ["transform-bucket"]


def test_stateless_resource_is_replaced_and_deleted(project: Path) -> None:
    events = [*replacement(ROLE, "validate", "name"), *step("delete", ROLE, "old"), summary(replace=1, delete=1)]
    pulumi = scripted(events, up=Reply(events=events))
    result = deployment.deploy("dev", engine=Engine(directory=project, pulumi=pulumi))
    assert [(change.operation, change.name) for change in result.changes] == [
        ("replace", "validate"),
        ("delete", "old"),
    ]


def test_deletion_without_an_event_is_refused(project: Path) -> None:
    """The SDK drops events that it cannot read: this one's operation is of a later CLI."""
    unreadable = step("evaporate", BUCKET, "ingest-bucket")
    pulumi = scripted([*unreadable, summary(delete=1)])
    with pytest.warns(UserWarning, match="Failed to parse"), pytest.raises(PipelineError, match="do not name"):
        deployment.deploy("dev", engine=Engine(directory=project, pulumi=pulumi))
    assert pulumi.operations == ["preview"]


def test_every_resource_protected_in_prod_is_of_a_stateful_type() -> None:
    protected = {resource.type for resource in run_program("prod", {"encryption": "kms"}).resources if resource.protect}
    assert protected
    assert protected <= STATEFUL_TYPES


def test_a_failure_names_the_resource_and_its_diagnostic(project: Path) -> None:
    denied = "creating S3 Bucket: operation error S3: CreateBucket, api error AccessDenied: Access Denied"
    failed = Reply(
        events=[
            *step("create", ROLE, "validate", planning=False),
            diagnostic("error", f"{denied}\n", urn(BUCKET, "ingest-bucket")),
            diagnostic("error", "update failed\n"),
            summary(create=1),
        ],
        error="error: update failed",
    )
    with pytest.raises(DeploymentFailed) as failure:
        deployment.deploy("dev", engine=Engine(directory=project, pulumi=scripted(CREATION, up=failed)))
    assert str(failure.value) == f"deploy of dev failed: {BUCKET} ingest-bucket: {denied}"
    assert [change.name for change in failure.value.result.changes] == ["validate"], "what was done until then"


def test_error_in_the_settings_is_reported_with_the_programs_message(project: Path) -> None:
    mistake = "img-pipeline:maxBytes = 0 is not accepted: greater than 0"
    events = [
        diagnostic("error", f"{mistake}\n"),
        diagnostic("error", f"an unhandled error occurred: {mistake}\n"),
        summary(same=1),
    ]
    pulumi = ScriptedPulumi(replies={"preview": Reply(events=events, error="error: preview failed")})
    with pytest.raises(DeploymentFailed) as failure:
        deployment.preview("dev", engine=Engine(directory=project, pulumi=pulumi))
    assert str(failure.value) == f"preview of dev failed: {mistake}"


def test_a_broken_policy_stops_the_deployment_and_is_named(project: Path) -> None:
    violation = {
        "resourceUrn": urn(BUCKET, "ingest-bucket"),
        "message": "a bucket must block public access",
        "color": "never",
        "policyName": "no-public-buckets",
        "policyPackName": "img-pipeline",
        "policyPackVersion": "1",
        "policyPackVersionTag": "1",
    }
    events = [
        {"policyEvent": {**violation, "enforcementLevel": "mandatory"}},
        {"policyEvent": {**violation, "enforcementLevel": "advisory", "message": "a bucket should have an owner tag"}},
        summary(create=1),
    ]
    pulumi = ScriptedPulumi(replies={"preview": Reply(events=events, error="error: preview failed")})
    engine = Engine(directory=project, pulumi=pulumi, policy_packs=[Path("policies")])
    with pytest.raises(DeploymentFailed) as failure:
        deployment.deploy("dev", engine=engine)
    assert "ingest-bucket: policy no-public-buckets: a bucket must block public access" in str(failure.value)
    assert failure.value.result.warnings == ("policy no-public-buckets: a bucket should have an owner tag",)
    (preview,) = [command for command in pulumi.commands if command[0] == "preview"]
    assert preview[preview.index("--policy-pack") + 1] == "policies"


def test_neither_settings_nor_secrets_are_arguments_of_a_process(project: Path) -> None:
    pulumi = scripted(CREATION, up=CREATED)
    deployment.deploy(
        "dev",
        config={"transforms": {"watermark": {"settings": {"text": "hush-setting"}}}},
        secrets={"alertHttpsEndpoints[0]": "https://hush-secret.example.com"},
        engine=Engine(directory=project, pulumi=pulumi),
    )
    assert "hush" not in json.dumps(pulumi.commands)
    assert pulumi.inputs == ["https://hush-secret.example.com"]


def test_the_history_is_read_without_secrets(project: Path) -> None:
    pulumi = scripted(CREATION, up=CREATED, refresh=Reply(), destroy=Reply())
    engine = Engine(directory=project, pulumi=pulumi)
    for operation in (deployment.deploy, deployment.refresh, deployment.destroy):
        operation("dev", engine=engine)
    history = [command for command in pulumi.commands if command[:2] == ["stack", "history"]]
    assert len(history) >= 3
    assert not [command for command in history if "--show-secrets" in command]


def test_the_seconds_of_a_deployment_are_within_those_of_the_call(project: Path) -> None:
    started = time.monotonic()
    result = deployment.deploy("dev", engine=Engine(directory=project, pulumi=scripted(CREATION, up=CREATED)))
    assert 0 < result.seconds <= time.monotonic() - started


def test_settings_stay_in_the_stack_file_once_the_preview_has_passed(project: Path) -> None:
    deployment.deploy(
        "dev",
        config={"maxBytes": 1000, "aws:region": "eu-north-1"},
        engine=Engine(directory=project, pulumi=scripted(CREATION, up=CREATED)),
    )
    text = (project / "Pulumi.dev.yaml").read_text()
    assert yaml.safe_load(text)["config"] == {"aws:region": "eu-north-1", "img-pipeline:maxBytes": 1000}
    assert "# Twenty megabytes." in text


def test_refused_or_previewed_deployment_does_not_change_the_stack_file(project: Path) -> None:
    engine = Engine(directory=project, pulumi=scripted([*step("delete", BUCKET, "ingest-bucket"), summary(delete=1)]))
    deployment.preview("dev", config={"maxBytes": 1000}, engine=engine)
    with pytest.raises(DeploymentRefused):
        deployment.deploy("dev", config={"maxBytes": 1000}, engine=engine)
    assert (project / "Pulumi.dev.yaml").read_text() == SETTINGS


def test_a_preview_creates_no_stack(project: Path) -> None:
    pulumi = ScriptedPulumi(errors={"stack --stack prd": "error: no stack named 'prd' found"})
    with pytest.raises(PipelineError, match="there is no stack prd on this backend"):
        deployment.preview("prd", config={"maxBytes": 1000}, engine=Engine(directory=project, pulumi=pulumi))
    assert not [command for command in pulumi.commands if "init" in command]
    assert not (project / "Pulumi.prd.yaml").exists()


def test_preview_runs_with_a_copy_of_the_stack_file(project: Path) -> None:
    pulumi = scripted(CREATION)
    deployment.preview("dev", engine=Engine(directory=project, pulumi=pulumi))
    (preview,) = [command for command in pulumi.commands if command[0] == "preview"]
    used = Path(preview[preview.index("--config-file") + 1])
    assert used.name == "Pulumi.dev.yaml"
    assert used.parent != project


def test_selected_stack_of_the_user_is_not_changed(project: Path) -> None:
    pulumi = scripted(CREATION, up=CREATED)
    deployment.deploy("dev", engine=Engine(directory=project, pulumi=pulumi))
    assert not [command for command in pulumi.commands if command[:2] == ["stack", "select"]]


def test_new_stack_is_created_with_the_requested_secrets_provider(project: Path) -> None:
    pulumi = scripted(CREATION, up=CREATED)
    pulumi.errors = {"stack --stack": "error: no stack named 'dev' found"}
    engine = Engine(directory=project, pulumi=pulumi, secrets_provider="awskms://alias/pulumi")
    deployment.deploy("dev", engine=engine)
    assert ["stack", "init", "dev", "--no-select", "--secrets-provider", "awskms://alias/pulumi"] in pulumi.commands


def test_an_unknown_stack_has_no_outputs_to_read(project: Path) -> None:
    pulumi = ScriptedPulumi(errors={"stack --stack": "error: no stack named 'prdo' found"})
    with pytest.raises(PipelineError, match="there is no stack prdo on this backend"):
        deployment.stack_outputs("prdo", engine=Engine(directory=project, pulumi=pulumi))


@pytest.mark.parametrize(
    "said",
    [
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end",
        "error: [409] Conflict: Another update is currently in progress.",
    ],
)
def test_error_of_a_locked_stack_says_how_to_unlock_it(project: Path, said: str) -> None:
    pulumi = ScriptedPulumi(replies={"preview": Reply(error=said)})
    with pytest.raises(PipelineError, match="`pulumi cancel --stack dev`"):
        deployment.preview("dev", engine=Engine(directory=project, pulumi=pulumi))


def test_error_of_the_backend_is_one_line(project: Path) -> None:
    pulumi = ScriptedPulumi(errors={"stack": "warning: x\nerror: PULUMI_ACCESS_TOKEN must be set for login"})
    with pytest.raises(PipelineError) as error:
        deployment.stack_outputs("dev", engine=Engine(directory=project, pulumi=pulumi))
    assert str(error.value) == "pulumi: PULUMI_ACCESS_TOKEN must be set for login"


def test_error_of_an_unreadable_state_says_which_file_to_delete(project: Path) -> None:
    pulumi = ScriptedPulumi(errors={"stack": "error: failed to load checkpoint: EOF"})
    with pytest.raises(PipelineError, match=r"leaves dev\.json\.attrs empty .*: delete it"):
        deployment.preview("dev", engine=Engine(directory=project, pulumi=pulumi))


def test_error_of_a_missing_cli_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(PipelineError, match=r"curl -fsSL https://get\.pulumi\.com \| sh"):
        PulumiCli()


@pytest.mark.parametrize(
    ("versions", "used"),
    [(["3.9.0", "3.259.0"], "3.259.0"), ([RELEASE, "9.9.9"], RELEASE)],
    ids=["the newest", "that of the SDK"],
)
def test_the_cli_that_make_engine_cached_is_used_where_none_is_on_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, versions: list[str], used: str
) -> None:
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for version in versions:
        cli = cache_directory(version) / "bin" / "pulumi"
        cli.parent.mkdir(parents=True)
        cli.write_text(f"#!/bin/sh\necho v{version}\n")
        cli.chmod(0o755)
    assert PulumiCli().command == str(cache_directory(used) / "bin" / "pulumi")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {"a:b": 1}),
        ("encryptionsalt: v1:x\n", {"a:b": [1, {"c": None}]}),
        ("config: {a:b: 1, c:d: 2}\n", {"a:b": 3}),
        (
            "config:\n    a:b:\n        - x\n        - y # the last\n    c:d: |\n        two\n        lines\n",
            {"a:b": []},
        ),
        ("config:\n  c:d: |\n    two\n    lines\nencryptionsalt: v1:x\n", {"c:d": "© one: line", "e:f": True}),
        ("config:\nencryptionsalt: v1:x\n", {"a:b": {"c": 0.5}}),
    ],
)
def test_settings_file_has_the_new_values_and_all_others(text: str, values: Mapping[str, object]) -> None:
    before = yaml.safe_load(text) or {}
    after = yaml.safe_load(with_settings(text, values))
    assert after == {**before, "config": {**(before.get("config") or {}), **values}}


def test_comments_are_kept() -> None:
    text = "# top\nconfig: # section\n  a:b: 1 # why\n  c:d: {e: 'x'} # flow\n# end\nencryptionsalt: v1:x\n"
    assert with_settings(text, {"a:b": 2}) == text.replace("a:b: 1", "a:b: 2")
    added = with_settings(text, {"f:g": [1]})
    assert all(comment in added for comment in ("# top", "# section", "# why", "# flow", "# end"))


# The command line, on the scripted CLI.


@pytest.fixture
def command(project: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a command with a scripted CLI in place of the real one, on a project of its own."""

    def run(pulumi: ScriptedPulumi, *arguments: str, given: str | None = None, **environment: str) -> Result:
        monkeypatch.setattr(pulumi_cli, "PulumiCli", lambda: pulumi)
        monkeypatch.setattr(
            deployment, "Engine", lambda **options: Engine(directory=project, **{"pulumi": pulumi, **options})
        )
        return CliRunner().invoke(cli.app, list(arguments), input=given, env={"COLUMNS": "200", **environment})

    return run


def test_deploy_shows_what_changes_and_what_was_done(command) -> None:
    result = command(scripted(CREATION, up=CREATED), "deploy", "--stack", "dev", "--yes")
    assert result.exit_code == 0, result.output
    assert "dev: 2 to create" in result.stderr
    assert "dev: 2 created" in result.stdout


def test_deploy_without_yes_and_without_a_terminal_changes_nothing_and_fails(command) -> None:
    pulumi = scripted(CREATION, up=CREATED)
    result = command(pulumi, "deploy", "--stack", "dev")
    assert result.exit_code == 1
    assert pulumi.operations == ["preview"]
    assert "nothing was changed: add --yes" in result.stderr


def test_refused_deployment_exits_with_3_and_prints_the_reason_as_json(command) -> None:
    pulumi = scripted([*replacement(BUCKET, "ingest-bucket", "bucket"), summary(replace=1)])
    result = command(pulumi, "deploy", "--yes", "--json")
    assert result.exit_code == 3
    report = json.loads(result.stdout)
    assert (report["outcome"], report["applied"]) == ("refused", False)
    assert "would lose state" in report["error"]
    assert [(change["name"], change["losesState"]) for change in report["changes"]] == [("ingest-bucket", True)]


def test_a_failed_deployment_names_the_resource_and_exits_with_1(command) -> None:
    events = [diagnostic("error", "AccessDenied [403]\n", urn(BUCKET, "ingest-bucket")), summary()]
    pulumi = scripted(CREATION, up=Reply(events=events, error="error: update failed"))
    result = command(pulumi, "deploy", "--yes")
    assert result.exit_code == 1
    assert f"failed: {BUCKET} ingest-bucket: AccessDenied [403]" in result.stderr
    assert "no change" not in result.stderr + result.stdout
    report = json.loads(command(pulumi, "deploy", "--yes", "--json").stdout)
    assert report["failures"] == [{"urn": urn(BUCKET, "ingest-bucket"), "message": "AccessDenied [403]"}]


class InterruptedPulumi(ScriptedPulumi):
    """Receives Ctrl-C during one operation, which then ends with the engine's error."""

    during: str

    def run(self, args: list[str], *rest: Any, **options: Any) -> CommandResult:
        if args[0] == self.during:
            os.kill(os.getpid(), signal.SIGINT)
        return super().run(args, *rest, **options)

    def interrupt(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("arguments", "during", "report"),
    [
        ("deploy --yes", "up", "deploy of dev was stopped: 1 created; run the command again to continue"),
        ("deploy --yes", "preview", "preview of dev was stopped, nothing was changed"),
        ("preview", "preview", "preview of dev was stopped, nothing was changed"),
        ("destroy --yes", "destroy", "preview of dev was stopped, nothing was changed"),
        ("refresh --yes", "refresh", "preview of dev was stopped, nothing was changed"),
    ],
)
def test_interrupted_deployment_reports_what_was_done(command, arguments: str, during: str, report: str) -> None:
    created = step("create", BUCKET, "ingest-bucket", planning=False)
    stopped = Reply(events=created, error="error: update cancelled")
    preview = stopped if during != "up" else Reply(events=CREATION)
    pulumi = InterruptedPulumi(replies={"preview": preview, "up": stopped})
    pulumi.during = during

    result = command(pulumi, *arguments.split())

    assert result.exit_code == 130, result.output
    assert f"interrupted: {report}\n" in result.stderr


def test_secrets_come_from_the_environment_or_from_standard_input(command) -> None:
    pulumi = scripted(CREATION, up=CREATED)
    secrets = ["--secret", "alertHttpsEndpoints[0]=PAGER", "--secret", "other"]
    result = command(pulumi, "deploy", "--yes", *secrets, given="typed\n", PAGER="https://pager.example.com")
    assert result.exit_code == 0, result.output
    assert pulumi.inputs == ["https://pager.example.com", "typed"]


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(command) -> None:
    result = command(scripted(CREATION), "deploy", "--yes", "--secret", "password=hunter2")
    assert isinstance(result.exception, PipelineError)
    assert "other users can read a command line" in str(result.exception)
    assert "hunter2" not in result.output + str(result.exception)


def test_settings_come_from_a_file_or_from_standard_input(command, project: Path) -> None:
    (project / "more.json").write_text('{"maxBytes": 5}')
    command(scripted(CREATION, up=CREATED), "deploy", "--yes", "--config-file", str(project / "more.json"))
    assert "img-pipeline:maxBytes: 5\n" in (project / "Pulumi.dev.yaml").read_text()
    command(scripted(CREATION, up=CREATED), "deploy", "--yes", "--config-file", "-", given="mapConcurrency: 7")
    assert "img-pipeline:mapConcurrency: 7\n" in (project / "Pulumi.dev.yaml").read_text()


@pytest.mark.parametrize("text", ["- a list", "just text", "a: [unclosed"])
def test_invalid_settings_are_refused(command, text: str) -> None:
    result = command(scripted(CREATION), "preview", "--config-file", "-", given=text)
    assert "settings cannot be read from -" in str(result.exception)


def test_destroy_needs_the_same_permission_as_a_deployment(command) -> None:
    events = [*step("delete", BUCKET, "ingest-bucket"), summary(delete=1)]
    pulumi = scripted(events, destroy=Reply(events=[*step("delete", BUCKET, "ingest-bucket", planning=False)]))
    assert command(pulumi, "destroy", "--yes").exit_code == 3
    assert pulumi.operations == ["destroy"], "previewed"
    result = command(pulumi, "destroy", "--yes", "--allow-delete", BUCKET)
    assert result.exit_code == 0, result.output
    assert "dev: 1 deleted" in result.stdout


def test_refresh_shows_drift_and_writes_it_to_the_state_with_yes(command) -> None:
    drift = [*step("update", ROLE, "validate"), summary(update=1)]
    pulumi = scripted(drift, refresh=Reply(events=drift))
    declined = command(pulumi, "refresh")
    assert declined.exit_code == 1
    assert f"{ROLE}" in declined.stderr
    assert command(pulumi, "refresh", "--yes").exit_code == 0


def test_secret_outputs_are_hidden_unless_requested(command) -> None:
    class Secretive(ScriptedPulumi):
        def _answer(self, args) -> object:  # pyright: ignore[reportMissingParameterType]
            if args[:2] == ["stack", "output"] and "--show-secrets" not in args:
                return {"ingestBucket": "uploads-here", "pager": "[secret]"}
            return super()._answer(args)

    pulumi = Secretive(outputs={"ingestBucket": "uploads-here", "pager": "hush"})
    assert "[secret]" in command(pulumi, "outputs").stdout
    assert "hush" not in command(pulumi, "outputs", "--json").stdout
    assert command(pulumi, "outputs", "pager", "--show-secrets").stdout == "hush\n"
    assert "it has ingestBucket, pager" in str(command(pulumi, "outputs", "nothing").exception)


# The stack `local` needs no CLI.


def test_local_stack_deploys_without_pulumi_and_the_output_names_it(
    img_pipeline, announced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    before = json.loads(announced.read_text())["outputs"]
    result = img_pipeline("deploy", "--stack", "local", "--yes", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["engine"] == "localcloud"
    assert report["resources"] > 100
    assert "not Pulumi's engine" in result.stderr
    after = json.loads(announced.read_text())["outputs"]
    assert after == report["outputs"]
    # The stack of the tests had no API, and so no orders; its file has both.
    of_api = {"alarmNames", "apiUrl", "consoleUrl", "functionNames", "logGroups", "roleArns"}
    of_orders = {"orderStateMachineArn", "ordersTable", "failedOrdersTable", "orderQueueUrl", "orderDlqUrl"}
    assert {name for name in before if after[name] != before[name]} <= of_api | of_orders


def test_local_stack_is_deployed_only_with_confirmation(img_pipeline, announced: Path) -> None:
    before = announced.read_text()
    result = img_pipeline("deploy", "--local")
    assert result.exit_code == 1
    assert "nothing was changed; add --yes" in result.stdout
    assert announced.read_text() == before


@pytest.mark.parametrize(
    ("setting", "answer"),
    [("maxBytes: 0", "img-pipeline:maxBytes = 0 is not accepted"), ("maxByte: 5", "maxByte is not a setting")],
)
def test_invalid_setting_of_the_local_stack_is_reported_in_one_line(img_pipeline, setting: str, answer: str) -> None:
    refusal = img_pipeline("deploy", "--local", "--yes", "--config-file", "-", given=setting).exception
    assert isinstance(refusal, PipelineError)
    assert answer in str(refusal)
    assert "\n" not in str(refusal)


@pytest.mark.parametrize("name", ["preview", "destroy", "refresh"])
def test_commands_that_do_not_apply_to_the_local_stack_are_explained(img_pipeline, name: str) -> None:
    assert "is the embedded cloud's own deployer" in str(img_pipeline(name).exception)


# What is shown to others.


def test_the_library_example_deploys_a_tenant(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER_URL", "https://pager.example.com")
    pulumi = scripted(CREATION, up=CREATED)
    result = deploy_tenant("acme", engine=Engine(directory=project, pulumi=pulumi))
    assert result.outputs["ingestBucket"] == "uploads-here"
    assert pulumi.inputs == ["https://pager.example.com"]
    config = yaml.safe_load((project / "Pulumi.tenant-acme.yaml").read_text())["config"]
    assert parse_settings(_texts(config), config_schema()).transforms["watermark"].settings["text"] == "© acme"


def test_library_example_does_not_confirm_a_large_deletion(project: Path) -> None:
    deletions = [event for number in range(10) for event in step("delete", ROLE, f"role-{number}")]
    pulumi = scripted([*deletions, summary(delete=10)])
    assert not deploy_tenant("acme", engine=Engine(directory=project, pulumi=pulumi)).applied
    assert pulumi.operations == ["preview"]


def test_every_command_of_the_deployment_guide_exists() -> None:
    guide = (PROJECT_DIRECTORY / "docs" / "deploy.md").read_text(encoding="utf-8")
    commands = get_command(cli.app).commands  # pyright: ignore[reportAttributeAccessIssue]
    lines = re.findall(r"(?:^|\| )(?:\w+=\S+ )?img-pipeline (\w+)((?:.*\\\n)*.*)", guide, re.MULTILINE)
    assert len(lines) > 8
    for name, rest in lines:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest.partition(" #")[0])) <= known, (name, rest)


def _texts(config: Mapping[str, object]) -> dict[str, str]:
    """Settings as the engine hands them to the program."""
    ours = {
        key.removeprefix("img-pipeline:"): value for key, value in config.items() if key.startswith("img-pipeline:")
    }
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in ours.items()}
