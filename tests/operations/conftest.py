"""One local stack for all tests of operations, and how its commands find it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from client.pipeline import Pipeline
from localcloud import announcement
from localcloud.announcement import LocalCloud
from operations import cli
from policies.recording import run
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually

RunCommand = Callable[..., Result]


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The real program, workflow, handlers and policies, deployed once, IAM enforced."""
    with deployed_stack() as deployed:
        yield deployed


@pytest.fixture(scope="package")
def connection(stack: Stack) -> Pipeline:
    """The stack as a command sees it."""
    return Pipeline(
        stack="local", outputs=stack.pipeline.outputs, client=stack.cloud.client, endpoint_url=stack.cloud.endpoint_url
    )


@pytest.fixture
def local_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where a test's `--local` looks for the embedded cloud, apart from the one that this machine's user may run."""
    path = tmp_path / "state" / "local-cloud.json"
    monkeypatch.setattr(announcement, "LOCAL_STATE", path)
    return path


@pytest.fixture
def announced(stack: Stack, local_state: Path) -> Path:
    """The stack is announced as `make up` does it; returns the file that says where it is."""
    LocalCloud(endpoint_url=stack.cloud.endpoint_url, region=stack.cloud.region, outputs=stack.outputs).announce()
    return local_state


@pytest.fixture
def img_pipeline(announced: Path, monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Run a command on the local stack, as a user types it."""
    assert announced.exists()
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str, given: str | None = None) -> Result:
        return CliRunner().invoke(cli.app, list(arguments), input=given, env={"IMG_PIPELINE_STACK": "local"})

    return run


def answers_of_saved_query(stack: Stack, name: str) -> list[dict[str, str]]:
    """The rows that a saved query of the program finds in the logs of the last minutes."""
    recording = run("local")
    (query,) = [each for each in recording.of_type("QueryDefinition") if each.inputs["name"].endswith(f"/{name}")]
    logs, now = stack.cloud.client("logs"), round(time.time())
    started = logs.start_query(
        logGroupNames=query.inputs["logGroupNames"],
        startTime=now - 900,
        endTime=now + 60,
        queryString=query.inputs["queryString"],
    )
    answer = eventually(
        lambda: (found := logs.get_query_results(queryId=started["queryId"]))["status"] == "Complete" and found,
        "the query's end",
    )
    return [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]
