"""A `pulumi` that answers from a script: what the engine reports is ours, what the driver asks for is kept.

Events are in the engine's own JSON, as `pulumi up --event-log` of version 3.259 sent them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from pulumi.automation import CommandResult, OnOutput
from pulumi.automation.errors import create_command_error
from pulumi.runtime.proto import events_pb2, events_pb2_grpc
from semver import VersionInfo

from operations.deploy.pulumi_cli import PulumiCli

Event = dict[str, Any]

PROJECT_PREFIX = "urn:pulumi:dev::img-pipeline::"


def urn(type_: str, name: str) -> str:
    """The resource's name in the state of stack dev."""
    return f"{PROJECT_PREFIX}img-pipeline:index:Ingest${type_}::{name}"


def step(operation: str, type_: str, name: str, *, causes: Sequence[str] = (), planning: bool = True) -> list[Event]:
    """One step of the engine: it begins, and it ends well."""
    metadata = {
        "op": operation,
        "urn": urn(type_, name),
        "type": type_,
        "provider": "urn:pulumi:dev::img-pipeline::pulumi:providers:aws::default_7_51_1::04da6b54",
        "old": None,
        "new": None,
        "keys": list(causes) or None,
        "diffs": list(causes) or None,
        "detailedDiff": None,
        "logical": True,
    }
    event = {"metadata": metadata, "planning": planning}
    return [{"resourcePreEvent": event}, {"resOutputsEvent": event}]


def replacement(type_: str, name: str, cause: str, *, planning: bool = True) -> list[Event]:
    """A replacement is three steps."""
    operations = ("create-replacement", "replace", "delete-replaced")
    return [
        event for operation in operations for event in step(operation, type_, name, causes=[cause], planning=planning)
    ]


def diagnostic(severity: str, message: str, resource: str = "") -> Event:
    """What the engine, a provider or the program says."""
    return {"diagnosticEvent": {"urn": resource, "message": message, "color": "never", "severity": severity}}


def summary(**changes: int) -> Event:
    """How many of each operation, at the end."""
    counts = {name.replace("_", "-"): count for name, count in changes.items()}
    return {"summaryEvent": {"maybeCorrupt": False, "durationSeconds": 1, "resourceChanges": counts, "PolicyPacks": {}}}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What one command of the engine reports; `error` makes it fail."""

    events: Sequence[Event] = ()
    error: str | None = None


@dataclass
class ScriptedPulumi(PulumiCli):
    """Answers `preview`, `up`, `destroy` and `refresh` from `replies`, and other commands without an error.

    `commands` holds the arguments of every command, `inputs` what each read from its standard input.
    """

    replies: Mapping[str, Reply] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    command: str = "pulumi"
    version: VersionInfo | None = VersionInfo(3, 259, 0)  # noqa: RUF009 - immutable

    @property
    def operations(self) -> list[str]:
        """The engine's commands, in order."""
        return [command[0] for command in self.commands if command[0] in ("preview", "up", "destroy", "refresh")]

    def run(
        self,
        args: list[str],
        cwd: str,  # noqa: ARG002 - the CLI's folder
        additional_env: Mapping[str, str],  # noqa: ARG002
        on_output: OnOutput | None = None,  # noqa: ARG002
        on_error: OnOutput | None = None,  # noqa: ARG002
    ) -> CommandResult:
        self.commands.append(args)
        name = "preview" if "--preview-only" in args else args[0]
        for words, error in self.errors.items():
            if " ".join(args).startswith(words):
                _fail(error)
        if "--event-log" not in args:
            return CommandResult(stdout=json.dumps(self._answer(args)), stderr="", code=0)
        reply = self.replies[name]
        _send(args[args.index("--event-log") + 1], reply.events)
        if reply.error is not None:
            _fail(reply.error)
        return CommandResult(stdout="", stderr="", code=0)

    def run_with_input(self, args: list[str], cwd: str, additional_env: Mapping[str, str], text: str) -> CommandResult:
        self.inputs.append(text)
        return self.run(args, cwd, additional_env)

    def _answer(self, args: Sequence[str]) -> object:
        if args[:2] == ["stack", "output"]:
            return dict(self.outputs)
        if args[:2] == ["stack", "history"]:
            return [
                {
                    "kind": "update",
                    "startTime": "2026-11-21T12:00:00.000Z",
                    "message": "",
                    "environment": {},
                    "config": {},
                    "result": "succeeded",
                }
            ]
        return {}


def _fail(error: str) -> None:
    raise create_command_error(CommandResult(stdout="", stderr=error, code=255))


def _send(address: str, events: Iterable[Event]) -> None:
    """Send events as the engine does."""
    requests = (
        events_pb2.EventRequest(event=json.dumps({"sequence": number, "timestamp": 1, **event}))
        for number, event in enumerate(events)
    )
    with grpc.insecure_channel(address.removeprefix("tcp://")) as channel:
        events_pb2_grpc.EventsStub(channel).StreamEvents(requests)
