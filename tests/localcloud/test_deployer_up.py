"""`make up`: the output, the printed commands, and the cleanup after Ctrl-C."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.announcement import STATE_VARIABLE, LocalCloud, local_state, separate_local_state
from localcloud.clients import make_client

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "Upload an image": "s3 cp",
    "Get its job": "dynamodb query",
    "Get its record": "dynamodb get-item",
    "List its renditions": "s3 ls",
    "Count the dead letters": "sqs get-queue-attributes",
}


@pytest.fixture(autouse=True)
def _separate_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not use the state of a cloud that the user is running in this clone."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state" / "local-cloud.json"))


@dataclass
class Up:
    """A running `python -m localcloud.up` and its output."""

    process: subprocess.Popen[str]
    printed: str
    environment: dict[str, str]

    @property
    def endpoint(self) -> str:
        return self._only(r"runs at (http://127\.0\.0\.1:\d+)")

    @property
    def directory(self) -> Path:
        return Path(self._only(r"s3 cp (\S+)/photo\.jpg"))

    def output(self, name: str) -> Any:
        """Return an output of the stack with the last printed command."""
        program, *words = shlex.split(self._only(r"^(\.venv/bin/img-pipeline outputs .*)$"))
        # The tests may run in another virtual environment than the printed one.
        command = [Path(sys.executable).with_name(Path(program).name), *words, name, "--json"]
        return json.loads(subprocess.check_output(command, cwd=ROOT, env=self.environment))  # noqa: S603 (our own)

    def command(self, purpose: str) -> list[str]:
        """Return the exported variables and the printed command for a purpose, as words."""
        exports = re.findall(r"^export (.*)$", self.printed, re.MULTILINE)
        return [*shlex.split(" ".join(exports)), *shlex.split(self._only(rf"^(aws {COMMANDS[purpose]} .*)$"))]

    def curl(self) -> list[str]:
        """Return the printed request to the API, as words."""
        return shlex.split(self._only(r"^(curl .*)$"))

    def stop(self, how: signal.Signals) -> str:
        self.process.send_signal(how)
        return self.process.communicate(timeout=20)[0]

    def _only(self, pattern: str, flags: int = re.MULTILINE) -> str:
        found = re.findall(pattern, self.printed, flags)
        assert len(found) == 1, f"{pattern} in:\n{self.printed}"
        return found[0]


@contextmanager
def up(*options: str) -> Iterator[Up]:
    """Start it as a shell starts a background job, with SIGINT ignored, and wait for its complete output."""
    process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
        [sys.executable, "-u", "-m", "localcloud.up", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 (no threads here)
    )
    assert process.stdout
    printed = ""
    try:
        for line in process.stdout:
            printed += line
            if line.startswith("Ctrl-C"):
                break
        else:
            pytest.fail(f"it exited early:\n{printed}")
        yield Up(process, printed, dict(os.environ))
    finally:
        process.kill()
        process.wait()


def run(command: list[str]) -> Any:
    """Run a command of the AWS CLI with boto3, including botocore's validation."""
    environment = dict(word.split("=", 1) for word in command[: command.index("aws")])
    variables = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"}
    assert set(environment) == variables
    endpoint = environment["AWS_ENDPOINT_URL"]
    service, operation, *words = command[command.index("aws") + 1 :]
    key = environment["AWS_ACCESS_KEY_ID"]
    client = _client(service, endpoint, environment["AWS_DEFAULT_REGION"], key)
    if service == "s3":
        return _run_s3(client, operation, words)
    arguments: dict[str, Any] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = "".join(part.capitalize() for part in word.removeprefix("--").split("-"))
        elif name == "AttributeNames":
            arguments.setdefault(name, []).append(word)
        else:
            arguments[name] = json.loads(word) if word.startswith("{") else word
    return getattr(client, operation.replace("-", "_"))(**arguments)


def run_with_aws(command: list[str]) -> Any:
    """Run a command with the pinned `aws` client, version 1, which ignores AWS_ENDPOINT_URL for SQS."""
    program = Path(sys.executable).with_name("aws")
    start = command.index("aws")
    environment = dict(word.split("=", 1) for word in command[:start]) | {"PATH": os.environ["PATH"]}
    arguments = [program, *command[start + 1 :], "--cli-connect-timeout", "5"]
    return json.loads(subprocess.check_output(arguments, env=environment, timeout=60))  # noqa: S603 (pinned client)


@functools.cache
def _client(service: str, endpoint: str, region: str, access_key_id: str) -> Any:
    return make_client(service, endpoint, region, access_key_id)


def _run_s3(client: Any, operation: str, words: list[str]) -> Any:
    bucket, key = words[-1].removeprefix("s3://").split("/", 1)
    if operation == "cp":
        return client.upload_file(words[0], bucket, key)
    assert (operation, words[0]) == ("ls", "--recursive")
    return client.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])


def wait_for_record(cloud: Up, after: str = "") -> dict[str, Any]:
    """Return the complete record of a version after a sequencer; `publishedAt` is written last."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        item = run(cloud.command("Get its record")).get("Item", {})
        if "publishedAt" in item and item["sequencer"]["S"] > after:
            return item
        time.sleep(0.2)
    raise AssertionError(f"no record; the job is {run(cloud.command('Ask what became of it'))['Items']}")


def test_printed_commands_work_and_ctrl_c_removes_everything() -> None:
    with up() as cloud:
        port = int(cloud.endpoint.rsplit(":", 1)[1])
        directory = cloud.directory

        run(cloud.command("Upload an image"))
        record = wait_for_record(cloud)
        (job,) = run(cloud.command("Get its job"))["Items"]
        renditions = run(cloud.command("List its renditions"))
        dead_letters = run_with_aws(cloud.command("Count the dead letters"))["Attributes"]
        outputs = {name: cloud.output(name) for name in ("apiUrl", "consoleUrl", "functionNames")}
        asked = json.loads(subprocess.check_output([*cloud.curl(), "-s"]))  # noqa: S603 (printed by us)
        last_output = cloud.stop(signal.SIGINT)

    addresses = f"API {outputs['apiUrl']}, console {outputs['consoleUrl']}\n"
    # What is packaged at the first start, and a console without a page, are reported before.
    introduction = cloud.printed[cloud.printed.index("API ") :]
    assert introduction.startswith(addresses)
    assert introduction.count("\n") <= 12  # with the line about Ctrl-C
    assert (asked["method"], asked["fileKey"].rpartition("/")[2]) == ("PUT", "photo.jpg")
    assert record["mediaType"] == {"S": "image/jpeg"}
    assert job["fileKey"] == {"S": "uploads/photo.jpg"}
    assert {rendition["Key"] for rendition in renditions} >= {
        entry["M"]["key"]["S"] for entry in record["renditions"]["L"]
    }
    assert set(dead_letters) == {"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"}
    assert dead_letters["ApproximateNumberOfMessages"] == "0"
    assert outputs["functionNames"]["thumbnail"] == "img-pipeline-local-thumbnail"
    assert (cloud.process.returncode, last_output) == (0, "stopped\n")
    assert not directory.exists()
    assert str(directory) not in subprocess.check_output(["ps", "-A", "-o", "args"], text=True)  # noqa: S607
    with socket.socket() as again, pytest.raises(ConnectionRefusedError):
        again.connect(("127.0.0.1", port))


def test_the_next_start_with_a_data_directory_has_the_same_state(tmp_path: Path) -> None:
    options = ("--data-directory", str(tmp_path / "data"), "--region", "eu-central-1", "--account", "111122223333")
    with up(*options) as first:
        run(first.command("Upload an image"))
        before = wait_for_record(first)
        assert first.stop(signal.SIGTERM) == "stopped\n"
    assert (tmp_path / "data").is_dir()

    with up(*options) as second:
        assert second.output("ingestBucket") == "img-pipeline-local-ingest-111122223333"
        assert ":eu-central-1:" in second.output("resultsTopicArn")
        assert run(second.command("Get its record"))["Item"] == before
        run(second.command("Upload an image"))
        wait_for_record(second, after=before["sequencer"]["S"])
        second.stop(signal.SIGINT)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--account", "42"], "make up: account_id is '42': an AWS account id is twelve digits\n"),
        (["--port", "{taken}"], "make up: port {taken} on 127.0.0.1 is not available"),
    ],
)
def test_a_failed_start_is_reported_in_one_line(options: list[str], problem: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = subprocess.run(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-m", "localcloud.up", *(option.format(taken=port) for option in options)],
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )

    assert answer.returncode == 1
    assert answer.stderr.startswith(problem.format(taken=port))
    assert answer.stderr.count("\n") == 1


def test_a_second_cloud_in_a_clone_or_data_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*options: str) -> str:
        command = [sys.executable, "-m", "localcloud.up", *options]
        answer = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603
        assert answer.returncode == 1
        assert answer.stderr.count("\n") == 1
        return answer.stderr

    with up("--data-directory", str(tmp_path / "data")) as first:
        same_clone = refused()
        assert first.output("ingestBucket") == "img-pipeline-local-ingest-000000000000"
        with monkeypatch.context() as another_clone:
            another_clone.setenv(STATE_VARIABLE, str(tmp_path / "another" / "local-cloud.json"))
            same_data = refused("--data-directory", str(tmp_path / "data"))
        run(first.command("Upload an image"))
        wait_for_record(first)
        assert first.stop(signal.SIGTERM) == "stopped\n"

    assert same_clone.startswith("make up: an embedded cloud is already running in this clone")
    assert same_data.startswith(f"make up: the data directory {tmp_path / 'data'} is in use by another embedded cloud")
    assert not (tmp_path / "state" / "local-cloud.json").exists()


def test_a_cloud_with_separate_state_does_not_replace_that_of_make_up() -> None:
    def announced_to_others() -> str:
        program = "from localcloud.announcement import local_state; print(local_state().read_text())"
        answer = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)  # noqa: S603 (our own)
        return json.loads(answer)["endpointUrl"]

    def cloud_at(port: int) -> LocalCloud:
        return LocalCloud(endpoint_url=f"http://127.0.0.1:{port}", region="us-east-1", outputs={})

    with cloud_at(1).announced():
        with separate_local_state(), cloud_at(2).announced():
            assert announced_to_others() == "http://127.0.0.1:2"
        assert announced_to_others() == "http://127.0.0.1:1"
    assert not local_state().exists()
