"""`img-pipeline webhooks` and the doctor's check of them, with a receiver on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner

from client.errors import NotFoundError
from client.pipeline import Pipeline
from client.webhooks import send_test
from contract.webhooks import CALLBACK, delivery_of
from localcloud.announcement import LocalCloud
from operations import cli
from operations.doctor.checks import queues, webhooks
from operations.doctor.findings import Finding, Status, run_check
from testing.receiver import Receiver, receiving
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually
from tests.operations.conftest import RunCommand

HOST = "hooks.example.com"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture(scope="module")
def stack(receiver: Receiver) -> Iterator[Stack]:
    """A stack with two endpoints, no results for them, and a host of callbacks; its signing key exists."""
    endpoints = {name: {"url": f"{receiver.address}/{name}", "outcomes": ["DELETED"]} for name in ("catalogue", "old")}
    with deployed_stack(
        webhooks={"endpoints": endpoints, "allowPrivateAddresses": True},
        api={"console": False, "callbackHosts": [HOST]},
    ) as deployed:
        yield deployed


@pytest.fixture(scope="module")
def connection(stack: Stack) -> Pipeline:
    return Pipeline(
        stack="local", outputs=stack.pipeline.outputs, client=stack.cloud.client, endpoint_url=stack.cloud.endpoint_url
    )


@pytest.fixture(autouse=True)
def key(img_pipeline: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A signing key; audit records stay in the test's folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert img_pipeline("webhooks", "rotate", "--yes").exit_code == 0


def states(img_pipeline: RunCommand) -> dict[str, str]:
    listed = json.loads(img_pipeline("webhooks", "list", "--json").stdout)
    return {each["name"]: each["disabledAt"] for each in listed}


def problems(pipeline: Pipeline) -> list[Finding]:
    findings = run_check(webhooks.webhooks_are_delivered, pipeline)
    return [finding for finding in findings if finding.status is not Status.OK]


def delivery_to(endpoint: str, **result: str) -> str:
    return json.dumps(delivery_of({"type": "AssetReady", "fileKey": "uploads/a.jpg"} | result, endpoint, "2026-01-01"))


def test_test_delivery_verifies_with_the_printed_secret(img_pipeline: RunCommand, receiver: Receiver) -> None:
    before = len(receiver.received("/catalogue"))
    secret = img_pipeline("webhooks", "secret", "catalogue").stdout.strip()

    printed = img_pipeline("webhooks", "test", "catalogue").stdout

    request = eventually(lambda: receiver.received("/catalogue")[before:], "the test delivery", 60)[0]
    assert Webhook(secret).verify(request.body, dict(request.headers))["type"] == "WebhookTest"
    assert f"queued {request.headers['webhook-id']};" in printed
    assert "/aws/lambda/img-pipeline-local-webhook" in printed


def test_rotation_gives_each_receiver_a_new_secret(img_pipeline: RunCommand) -> None:
    def secrets() -> set[str]:
        return {img_pipeline("webhooks", "secret", name).stdout.strip() for name in ("catalogue", "old", HOST)}

    before = secrets()
    assert "rotated" in img_pipeline("webhooks", "rotate", "--yes").stdout
    assert len(before | secrets()) == 6


def test_commands_that_are_not_confirmed_change_nothing(img_pipeline: RunCommand) -> None:
    secret = img_pipeline("webhooks", "secret", "old").stdout
    for command in (("rotate",), ("replay", "old")):
        result = img_pipeline("webhooks", *command)
        assert (result.exit_code, "nothing was changed" in result.stdout) == (0, True)
    assert img_pipeline("webhooks", "secret", "old").stdout == secret


def test_receiver_that_answered_gone_is_reported_until_it_is_replayed(
    img_pipeline: RunCommand, receiver: Receiver, connection: Pipeline
) -> None:
    receiver.answers["/old"] = [410]
    img_pipeline("webhooks", "test", "old")

    since = eventually(lambda: states(img_pipeline)["old"], "the disabled endpoint", 60)

    assert states(img_pipeline) == {"catalogue": "", "old": since, HOST: ""}
    assert f"disabled since {since[:10]}" in img_pipeline("webhooks", "list").stdout
    refused = img_pipeline("webhooks", "test", "old")
    assert (refused.exit_code, "webhooks replay old" in str(refused.exception)) == (1, True)
    (found,) = problems(connection)
    assert (found.status, found.found.split()[0]) == (Status.WARN, "old")
    assert found.advice.endswith("img-pipeline webhooks replay old --stack local")

    assert "old is enabled" in img_pipeline("webhooks", "replay", "old", "--yes").stdout
    assert set(states(img_pipeline).values()) == {""}
    assert problems(connection) == []


def test_replay_of_a_host_moves_its_callbacks_and_no_other_dead_letters(
    img_pipeline: RunCommand, connection: Pipeline
) -> None:
    sqs, outputs = connection.client("sqs"), connection.outputs
    row = {"jobId": "a" * 32, "callbackUrl": f"https://{HOST}/callback"}
    connection.client("dynamodb").put_item(
        TableName=outputs.jobs_table, Item={name: {"S": value} for name, value in row.items()}
    )
    own = delivery_to(CALLBACK, jobId="a" * 32)
    others = [delivery_to(CALLBACK, jobId="b" * 32), delivery_to("catalogue"), "no JSON"]
    for body in (own, *others):
        sqs.send_message(QueueUrl=outputs.webhooks_dlq_url, MessageBody=body)
    (found,) = [
        each for each in run_check(queues.dead_letter_queues_are_empty, connection) if each.status is not Status.OK
    ]
    assert (found.status, found.found.partition(" (")[0]) == (Status.WARN, "webhooks holds 4")

    result = img_pipeline("webhooks", "replay", HOST, "--yes")

    assert f"{HOST} is enabled; replayed 1, left 3 of other receivers" in result.stdout
    # The host is not reached from here, so the delivery is tried again for days.
    assert connection.queue_depth(outputs.webhooks_queue_url) == 1
    left = sqs.receive_message(QueueUrl=outputs.webhooks_dlq_url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(message["Body"] for message in left) == sorted(others)
    for url in (outputs.webhooks_dlq_url, outputs.webhooks_queue_url):
        sqs.purge_queue(QueueUrl=url)


@pytest.mark.parametrize("command", ["test", "replay", "secret"])
def test_unknown_receiver_is_reported_with_those_that_exist(img_pipeline: RunCommand, command: str) -> None:
    result = img_pipeline("webhooks", command, "nobody")
    assert result.exit_code == 1
    assert f"local has no webhook receiver nobody, only catalogue, old, {HOST}" in str(result.exception)


def test_callback_host_has_no_test_delivery(img_pipeline: RunCommand) -> None:
    result = img_pipeline("webhooks", "test", HOST)
    assert (result.exit_code, "upload a file with a callbackUrl" in str(result.exception)) == (1, True)


COMMANDS = [("list",), ("test", "catalogue"), ("replay", "catalogue", "--yes"), ("rotate", "--yes"), ("secret", "x")]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_stack_without_webhooks_is_reported_with_the_settings(
    command: tuple[str, ...], img_pipeline: RunCommand, stack: Stack
) -> None:
    none: dict[str, Any] = {"webhooksQueueUrl": "", "webhooksDlqUrl": "", "webhooksSecretArn": "", "webhookUrls": {}}
    outputs = stack.outputs | none | {"callbackHosts": []}
    LocalCloud(endpoint_url=stack.cloud.endpoint_url, region=stack.cloud.region, outputs=outputs).announce()

    result = img_pipeline("webhooks", *command)

    assert result.exit_code == 1
    assert "local has no webhooks: set webhooks.endpoints or api.callbackHosts" in str(result.exception)


@pytest.mark.usefixtures("local_state")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_command_without_a_deployed_stack_says_how_to_start_one(command: tuple[str, ...], announced: Path) -> None:
    announced.unlink()
    result = CliRunner().invoke(cli.app, ["webhooks", *command, "--local"])
    assert (result.exit_code, "make up" in str(result.exception)) == (1, True)


def test_doctor_finds_a_queue_that_is_not_consumed(stack: Stack, connection: Pipeline) -> None:
    with stack.unconsumed(connection.outputs.webhooks_queue_url) as mapping:
        (found,) = problems(connection)
    assert (found.status, "webhooks are not delivered" in found.found) == (Status.FAIL, True)
    assert f"update-event-source-mapping --uuid {mapping} --enabled" in found.advice


def test_missing_signing_key_is_reported_with_the_command_that_creates_one(connection: Pipeline) -> None:
    arn = connection.client("secretsmanager").create_secret(Name="without-value")["ARN"]
    pipeline = replace(connection, outputs=replace(connection.outputs, webhooks_secret_arn=arn))

    (found,) = problems(pipeline)

    assert (found.status, found.advice) == (Status.FAIL, "img-pipeline webhooks rotate --stack local")
    with pytest.raises(NotFoundError, match="img-pipeline webhooks rotate --stack local"):
        send_test(pipeline, "catalogue")


def test_doctor_finds_an_old_signing_key(connection: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "OLDEST_KEY", timedelta(0))
    (found,) = problems(connection)
    assert (found.status, "webhooks rotate" in found.advice) == (Status.WARN, True)


def test_doctor_has_nothing_to_check_without_webhooks(connection: Pipeline) -> None:
    without = replace(connection, outputs=replace(connection.outputs, webhooks_queue_url=""))
    (found,) = run_check(webhooks.webhooks_are_delivered, without)
    assert (found.status, found.found) == (Status.OK, "the stack has no webhooks")
