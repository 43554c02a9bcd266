"""The runbook's commands succeed on a stack with a message in each dead-letter queue."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session
import pytest

from client.api import ApiClient
from client.orders import find_order
from client.webhooks import rotate_signing_keys
from contract import queues
from contract.json_text import json_object
from contract.orders import order_message
from contract.webhooks import delivery_of
from docs.generated import ALARM_SECTIONS, ROOT
from testing.receiver import receiving
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually
from tests.documentation.commands import COMMAND, Command, commands_of
from tests.operations.conftest import RunCommand

RUNBOOK = ROOT / "docs" / "runbook.md"
COMMANDS = list(commands_of(RUNBOOK))
SUBSCRIBER = "inspector"
ENDPOINT = "catalogue"


@dataclass(frozen=True, kw_only=True)
class Incident:
    """A file that failed, one that was rejected and an order; the files' jobs, and the messages in the queues."""

    failed_key: str
    rejected_key: str
    order_id: str
    jobs: tuple[Mapping[str, Any], ...]
    messages: Mapping[str, str]

    def restore(self, stack: Stack) -> None:
        """Restore the incident: each dead-letter queue holds its one message."""
        pipe = stack.cloud.client("pipes").describe_pipe(Name=stack.outputs["pipeName"])
        if pipe["CurrentState"] == "RUNNING":
            # A message that an earlier command sent would change its job's row later.
            stack.await_idle()
        for row in self.jobs:
            stack.cloud.client("dynamodb").put_item(TableName=stack.outputs["jobsTable"], Item=row)
        for url, body in self.messages.items():
            stack.cloud.client("sqs").purge_queue(QueueUrl=url)
            stack.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=body)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack that takes orders, with an endpoint of webhooks, which is told of deletions, and a signing key."""
    with receiving() as receiver:
        endpoints = {ENDPOINT: {"url": receiver.address, "outcomes": ["DELETED"]}}
        with deployed_stack(
            webhooks={"endpoints": endpoints, "allowPrivateAddresses": True},
            api={"auth": "none"},
        ) as deployed:
            rotate_signing_keys(deployed.pipeline)
            yield deployed


@pytest.fixture(scope="module")
def incident(stack: Stack) -> Incident:
    """A bad release of watermark fails one file, another is no image; a subscriber does not delete its result."""
    ordered = stack.upload("uploads/ordered.jpg")
    stack.finish(ordered)
    stack.notifications(ordered)
    order = {"fileKey": ordered.file_key, "renditions": [{"width": 64, "format": "webp"}]}
    order_id = ApiClient(stack.outputs["apiUrl"]).call("POST", "/orders", order).json["orderId"]
    eventually(lambda: "publishedAt" in find_order(stack.pipeline, order_id), "the order")
    with stack.broken("watermark", SETTINGS="{"):
        failed = stack.upload("uploads/failed.jpg")
        transform_dlq = stack.outputs["transformDlqUrl"]
        eventually(lambda: stack.pipeline.queue_depth(transform_dlq) == 1, "the failed file's message", 120)
    rejected = stack.upload("uploads/rejected.jpg", b"no image")
    stack.finish(rejected)
    (event,) = stack.pipeline.take_messages(transform_dlq)
    (rejection,) = stack.pipeline.take_messages(stack.outputs["validateDlqUrl"])
    (result,) = stack.notifications(rejected)
    rows = [
        stack.cloud.client("dynamodb").get_item(
            TableName=stack.outputs["jobsTable"], Key={"jobId": {"S": upload.job_id}}
        )["Item"]
        for upload in (failed, rejected)
    ]
    bodies = {
        transform_dlq: event,
        stack.outputs["deliveryDlqUrl"]: event,
        stack.outputs["validateDlqUrl"]: rejection,
        stack.outputs["resultsDlqUrls"][SUBSCRIBER]: result,
        stack.outputs["webhooksDlqUrl"]: delivery_of(result, ENDPOINT, "2026-01-01T00:00:00.000+00:00"),
        stack.outputs["orderDlqUrl"]: json_object(order_message(order_id, ordered.file_key)),
    }
    return Incident(
        failed_key=failed.file_key,
        rejected_key=rejected.file_key,
        order_id=order_id,
        jobs=tuple(rows),
        messages={url: json.dumps(body) for url, body in bodies.items()},
    )


@pytest.fixture(autouse=True)
def working_folder(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder for what commands write, one for all of them, as an import reads what an export wrote."""
    home = tmp_path_factory.getbasetemp() / "working-folder"
    home.mkdir(exist_ok=True)
    monkeypatch.chdir(home)
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    # The embedded SQS has one server, so short polling finds every message.
    monkeypatch.setattr(queues, "WAIT_SECONDS", 0)


def filled_in(command: Command, incident: Incident, run: RunCommand) -> list[str]:
    """The command's arguments with values in place of the runbook's placeholders."""
    about_rejected = "validate" in command.words
    names = {
        "FILEKEY": incident.rejected_key if about_rejected else incident.failed_key,
        "SUBSCRIBER": SUBSCRIBER,
        "ENDPOINT": ENDPOINT,
        "ORDERID": incident.order_id,
    }
    text = "\0".join(command.arguments)
    if "CAUSE" in text:
        (queue,) = json.loads(run("dlq", "show", "transform", "--json").output)
        names["CAUSE"] = queue["causes"][0]["cause"]
    if "MESSAGE_ID" in text:
        names["MESSAGE_ID"] = json.loads(
            run("dlq", "peek", incident.rejected_key, "--queue", f"results-{SUBSCRIBER}", "--json").output
        )["message"]
    if command.arguments[0] == "drain":
        text += "\0--interval\0" + "0.2"
    for placeholder, name in names.items():
        text = text.replace(placeholder, name)
    return text.split("\0")


# These need Pulumi's engine, which the embedded cloud does not use; `tests/operations/test_deployment.py` runs them.
ENGINE_ONLY = {"preview", "refresh"}
DOCTOR_COMMANDS = [command for command in COMMANDS if command.words[:2] == (COMMAND, "doctor")]
BY_SECTION = {
    section: [
        command
        for command in COMMANDS
        if command.section == section
        and command.program == COMMAND
        and command.arguments[0] not in ENGINE_ONLY
        and command not in DOCTOR_COMMANDS
    ]
    for section in dict.fromkeys(command.section for command in COMMANDS)
}


@pytest.mark.parametrize("command", sorted(set(map(str, DOCTOR_COMMANDS))))
def test_doctor_finds_no_problem_on_a_healthy_stack(command: str, stack: Stack, img_pipeline: RunCommand) -> None:
    ready = stack.cloud.client("lambda").get_waiter("function_active_v2")
    for function_name in stack.outputs["functionNames"].values():
        ready.wait(FunctionName=function_name, WaiterConfig={"Delay": 1})
    result = img_pipeline(*command.split()[1:])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("section", [section for section, commands in BY_SECTION.items() if commands])
def test_every_img_pipeline_command_succeeds(
    section: str, stack: Stack, incident: Incident, img_pipeline: RunCommand
) -> None:
    stack.cloud.client("pipes").start_pipe(Name=stack.outputs["pipeName"])
    # The function failed_order would take the order's message.
    with stack.unconsumed(stack.outputs["orderDlqUrl"]):
        for command in BY_SECTION[section]:
            incident.restore(stack)
            result = img_pipeline(*filled_in(command, incident, img_pipeline), given=command.given)
            assert result.exit_code == 0, f"{command}: {result.output or result.exception}"


def test_every_other_command_exists() -> None:
    """Other programs are git, shell built-ins, existing operations of AWS, and Pulumi's, which `tests/engine` runs."""
    for command in COMMANDS:
        if command.program == "aws":
            service, verb = command.arguments[:2]
            service = {"s3api": "s3"}.get(service, service)
            model = botocore.session.get_session().get_service_model(service)
            assert verb.replace("-", "") in {name.lower() for name in model.operation_names}  # pyright: ignore[reportGeneralTypeIssues]
        else:
            assert command.program in (COMMAND, "export", "find", "git", "pulumi"), command


def test_every_section_that_is_linked_to_exists() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    anchors = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors
    assert {section.lower().replace(" ", "-") for section in ALARM_SECTIONS.values()} <= anchors
