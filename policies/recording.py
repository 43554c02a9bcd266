"""Runs the real `__main__.py` under a monitor that records every resource instead of creating it.

So what the program declares can be looked at without an engine, a provider or an account: the rules of this policy
pack run over it in the tests, and the documentation's tables are made from it.
"""

import asyncio
import contextvars
import json
import logging
import runpy
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pulumi.runtime import rpc
from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockCallArgs, MockEngine, MockMonitor, MockResourceArgs, Mocks, MockSettings
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

PROJECT_DIRECTORY = Path(__file__).resolve().parent.parent
PROJECT = "img-pipeline"
ACCOUNT_ID = "111122223333"
REGION = "eu-west-1"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A registration as the monitor saw it."""

    urn: str
    parent: str
    type: str
    name: str
    custom: bool
    inputs: Mapping[str, Any]
    arn: str
    protect: bool
    retain_on_delete: bool
    dependencies: frozenset[str]
    property_dependencies: Mapping[str, frozenset[str]]

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Everything one run of the program registered, and its outputs."""

    stack: str
    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    component_outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of_type(self, resource_type: str) -> list[Resource]:
        """Resources of a type, by its short name such as `Bucket` or by its whole token."""
        return [
            resource for resource in self.resources if resource_type in (resource.type, resource.type.split(":")[-1])
        ]

    def one(self, resource_type: str, **inputs: object) -> Resource:
        """The only resource of a type with these inputs.

        Raises:
            LookupError: there is none, or more than one.
        """
        found = [
            resource
            for resource in self.of_type(resource_type)
            if all(resource.inputs.get(key) == value for key, value in inputs.items())
        ]
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources of type {resource_type} with {inputs}")
        return found[0]

    @property
    def cloud_resources(self) -> list[Resource]:
        """Everything but components, which are only there for order."""
        return [resource for resource in self.resources if resource.custom]


def run(stack: str, overrides: Mapping[str, object] | None = None) -> Recording:
    """Run the program for a stack, with `overrides` (by camelCase key) in place of its settings."""
    recording = Recording(stack=stack)
    run_into(recording, overrides)
    return recording


def run_into(recording: Recording, overrides: Mapping[str, object] | None = None, settings_of: str = "") -> None:
    """Like `run`, for a run that may fail: what was registered until then is in `recording`.

    `settings_of` names the stack whose file is read, when it is not the recording's own.
    """
    config = stack_config(settings_of or recording.stack) | _as_text(overrides or {})
    # An empty context and a loop of its own: nothing of an earlier run can be seen from in there.
    contextvars.Context().run(asyncio.run, _run(recording, config))


def stack_config(stack: str) -> dict[str, str]:
    """The settings in a stack's file, by key without namespace, as the engine passes them."""
    config = yaml.safe_load((PROJECT_DIRECTORY / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    prefix = f"{PROJECT}:"
    return _as_text({key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)})


def _as_text(values: Mapping[str, object]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


async def _run(recording: Recording, config: Mapping[str, str]) -> None:
    monitor = _RecordingMonitor(recording)
    set_all_config({f"{PROJECT}:{key}": value for key, value in config.items()}, [])
    configure(
        MockSettings(
            monitor=monitor,
            engine=MockEngine(_log),
            project=PROJECT,
            stack=recording.stack,
            organization="organization",
            root_directory=str(PROJECT_DIRECTORY),
            dry_run=False,
            lock=threading.Lock(),
            outputs=set(),
            package_refs={},
            base_providers_by_ref={},
            monitor_features=set(),
        )
    )
    # When one resource fails, so does every output that hangs on it, and nobody waits for those: one report is enough.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: _log.debug(context["message"]))

    def program() -> None:
        runpy.run_path(str(PROJECT_DIRECTORY / "__main__.py"), run_name="__main__")

    await run_in_stack(program)
    recording.outputs.update(monitor.stack_outputs)


class _Answers(Mocks):
    """The outputs that the program reads, in the form that AWS gives them."""

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        answers = {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT_ID},
            "aws:index/getRegion:getRegion": {"region": REGION},
            "aws:index/getPartition:getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com"},
        }
        return answers[args.token], []

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if not args.custom:
            return "", {}
        name = _physical_name(args)
        service, template = _ARNS.get(args.typ, ("", ""))
        outputs = {**args.inputs, "name": name}
        if service:
            outputs["arn"] = _arn(service, template.format(**outputs))
        if args.typ == "aws:sqs/queue:Queue":
            outputs["url"] = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/{name}"
        elif args.typ == "aws:lambda/function:Function":
            outputs["version"] = "1"
        elif args.typ == "aws:kms/key:Key":
            outputs["keyId"] = "1234abcd-12ab-34cd-56ef-1234567890ab"
        elif args.typ == "aws:ec2/securityGroup:SecurityGroup":
            return f"sg-{abs(hash(name)):017x}"[:20], outputs
        return name, outputs


_ARNS = {
    "aws:s3/bucket:Bucket": ("s3", "{name}"),
    "aws:sqs/queue:Queue": ("sqs", "{name}"),
    "aws:sns/topic:Topic": ("sns", "{name}"),
    "aws:dynamodb/table:Table": ("dynamodb", "table/{name}"),
    "aws:lambda/function:Function": ("lambda", "function:{name}"),
    "aws:lambda/alias:Alias": ("lambda", "function:{functionName}:{name}"),
    "aws:lambda/layerVersion:LayerVersion": ("lambda", "layer:{name}:1"),
    "aws:iam/role:Role": ("iam", "role/{name}"),
    "aws:cloudwatch/logGroup:LogGroup": ("logs", "log-group:{name}"),
    "aws:cloudwatch/eventRule:EventRule": ("events", "rule/{name}"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("cloudwatch", "alarm:{name}"),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("cloudwatch", "alarm:{name}"),
    "aws:sfn/stateMachine:StateMachine": ("states", "stateMachine:{name}"),
    "aws:pipes/pipe:Pipe": ("pipes", "pipe/{name}"),
    "aws:kms/key:Key": ("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
}


def _arn(service: str, resource: str) -> str:
    region = "" if service in ("s3", "iam") else REGION
    account = "" if service == "s3" else ACCOUNT_ID
    return f"arn:aws:{service}:{region}:{account}:{resource}"


def _physical_name(args: MockResourceArgs) -> str:
    keys = ("name", "bucket", "layerName", "alarmName", "dashboardName")
    return next((args.inputs[key] for key in keys if key in args.inputs), args.name)


class _RecordingMonitor(MockMonitor):
    """Keeps what mocks never see: parents, protection, dependencies; and the stack's outputs."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(_Answers())
        self._recording = recording
        self.stack_outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        with _event_loop_of_this_thread():
            response = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            self._recording.resources.append(
                Resource(
                    urn=response.urn,
                    parent=request.parent,
                    type=request.type,
                    name=request.name,
                    custom=request.custom,
                    inputs=rpc.deserialize_properties(request.object),
                    arn=self.resources[response.urn].state.get("arn", ""),
                    protect=request.protect,
                    retain_on_delete=request.retainOnDelete,
                    dependencies=frozenset(request.dependencies),
                    property_dependencies={key: frozenset(on.urns) for key, on in request.propertyDependencies.items()},
                )
            )
        return response

    def Invoke(self, request: Any) -> Any:
        with _event_loop_of_this_thread():
            return super().Invoke(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        outputs = rpc.deserialize_properties(request.outputs)
        if request.urn.endswith(f"::{PROJECT}-{self._recording.stack}"):
            self.stack_outputs = outputs
        else:
            self._recording.component_outputs[request.urn] = outputs
        return super().RegisterResourceOutputs(request)


@contextmanager
def _event_loop_of_this_thread() -> Iterator[None]:
    """The monitor is called from worker threads, where it would leave event loops behind that nobody closes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()
