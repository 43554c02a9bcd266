"""The local stack with the configuration of the real AWS provider, and with that provider where it is installed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from localcloud.emulator import Emulator
from localcloud.provider.real import provider_settings
from localcloud.resources.base import ResourceError
from operations.deploy.changes import STATEFUL_TYPES
from operations.deploy.location import find_cli
from tests.engine.stack import NAME, PROJECT, EngineStack, inventory
from tests.provider.stub_plugin import ConfiguredCloud

PLUGIN = "pulumi-resource-aws"
MACHINE = "aws:sfn/stateMachine:StateMachine"
PLUGIN_HOME = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi"), "plugins")

if find_cli() is None:
    pytest.skip("there is no Pulumi CLI: `make engine` gets one", allow_module_level=True)


def configured(*, without: str = "", beside: str = "") -> ConfiguredCloud:
    """The cloud of a configuration with one endpoint less or more."""
    settings = provider_settings("http://127.0.0.1:1", "000000000000", "us-east-1")
    (endpoints,) = settings["aws:endpoints"]
    changed = {name: url for name, url in endpoints.items() if name != without} | ({beside: ""} if beside else {})
    given = {key.removeprefix("aws:"): value for key, value in settings.items()}
    return ConfiguredCloud({**given, "endpoints": [changed]})


def installed_plugin() -> Path | None:
    """The folder of the real plugin, on PATH or where `pulumi plugin install resource aws` puts it."""
    if on_path := shutil.which(PLUGIN):
        return Path(on_path).parent
    folder = PLUGIN_HOME / f"resource-aws-v{version('pulumi-aws')}"
    return folder if (folder / PLUGIN).exists() else None


def stub(folder: Path) -> Path:
    """A folder with the stand-in."""
    folder.mkdir()
    script = folder / PLUGIN
    script.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(PROJECT))} exec {shlex.quote(sys.executable)} -u -m "
        "tests.provider.stub_plugin\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return folder


@pytest.fixture(scope="module", params=["stand-in", "real"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineStack]:
    """The local stack, not deployed yet, whose provider knows the cloud by its configuration alone."""
    folder = tmp_path_factory.mktemp("provider")
    plugin = installed_plugin() if request.param == "real" else stub(folder / "stub")
    if plugin is None:
        pytest.skip(f"the real provider is not installed: `pulumi plugin install resource aws {version('pulumi-aws')}`")
    with Emulator.start(pipe_retry_seconds=1) as cloud:
        prepared = EngineStack.prepare(cloud, folder)
        file = prepared.engine.directory / f"Pulumi.{NAME}.yaml"
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
        settings["config"] |= provider_settings(cloud.endpoint_url, cloud.account_id, "us-east-1")
        file.write_text(yaml.safe_dump(settings), encoding="utf-8")
        known = {key: value for key, value in prepared.engine.environment.items() if not key.startswith("AWS_")}
        known["PATH"] = os.pathsep.join([str(plugin), known["PATH"]])
        yield replace(prepared, engine=replace(prepared.engine, environment=known))


def test_the_stand_in_refuses_what_the_real_provider_would_ask_of_aws_or_does_not_know() -> None:
    assert configured().client("stepfunctions")
    with pytest.raises(ResourceError, match="no endpoint is configured for stepfunctions"):
        configured(without="sfn").client("stepfunctions")
    with pytest.raises(ResourceError, match="knows no endpoint sqss"):
        configured(beside="sqss")


@pytest.mark.weekly
def test_up_makes_the_pipeline_which_processes_a_file(stack: EngineStack) -> None:
    made = stack.deploy()
    assert {change.operation for change in made.changes} == {"create"}
    assert stack.status_of_an_upload("uploads/first.jpg") == "COMPLETED"


@pytest.mark.weekly
def test_a_second_preview_is_empty(stack: EngineStack) -> None:
    assert stack.preview().changes == ()


@pytest.mark.weekly
def test_a_setting_changes_in_place(stack: EngineStack) -> None:
    updated = stack.deploy(mapConcurrency=9)
    assert [(change.type, change.operation) for change in updated.changes] == [(MACHINE, "update")]


@pytest.mark.weekly
def test_destroy_leaves_nothing(stack: EngineStack) -> None:
    stack.destroy(allow=STATEFUL_TYPES)
    assert inventory(stack.cloud) == {}
