"""Runs the real `__main__.py` with a resource monitor that records every resource instead of creating it.

The recorded resources can be examined without an engine, a provider or an account: the tests run this policy pack on
them, and the tables in the documentation are generated from them.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

from contract.names import PROJECT
from program.in_process import PROJECT_DIRECTORY, run_program
from program.stack_file import as_text, read_stack_values

ACCOUNT_ID = "111122223333"
REGION = "eu-west-1"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A registered resource."""

    urn: str
    parent: str
    type: str
    name: str
    custom: bool
    inputs: Mapping[str, Any]
    arn: str
    protect: bool
    retain_on_delete: bool
    ignore_changes: frozenset[str]
    dependencies: frozenset[str]
    property_dependencies: Mapping[str, frozenset[str]]

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The resources that one run of the program registered, and its outputs."""

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
        """Everything except components."""
        return [resource for resource in self.resources if resource.custom]


def run(stack: str, overrides: Mapping[str, object] | None = None) -> Recording:
    """Run the program for a stack, with `overrides` (by camelCase key) in place of its settings."""
    recording = Recording(stack=stack)
    run_into(recording, overrides)
    return recording


def run_into(recording: Recording, overrides: Mapping[str, object] | None = None, settings_of: str = "") -> None:
    """Like `run`, for a run that may fail: the resources registered until then are in `recording`.

    Args:
        recording: takes the resources and outputs.
        overrides: settings by camelCase key, each in place of the stack's.
        settings_of: the stack whose file is read, when it is not the recording's own.

    Raises:
        Exception: the one that the program raised.
    """
    config = stack_config(settings_of or recording.stack) | {
        key: as_text(value) for key, value in (overrides or {}).items()
    }
    monitor = _RecordingMonitor(recording)
    qualified = {f"{PROJECT}:{key}": value for key, value in config.items()}
    run_program(monitor, project=PROJECT, stack=recording.stack, config=qualified)
    recording.outputs.update(monitor.stack_outputs)


def stack_config(stack: str) -> dict[str, str]:
    """The settings in a stack's file, by key without namespace, as the engine passes them."""
    prefix = f"{PROJECT}:"
    values = read_stack_values(PROJECT_DIRECTORY, stack)
    return {key.removeprefix(prefix): as_text(value) for key, value in values.items() if key.startswith(prefix)}


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
        elif args.typ == "aws:apigatewayv2/api:Api":
            outputs["apiEndpoint"] = f"https://{name}.execute-api.{REGION}.amazonaws.com"
            outputs["executionArn"] = _arn("execute-api", name)
        elif args.typ == "aws:cognito/userPool:UserPool":
            outputs["endpoint"] = f"cognito-idp.{REGION}.amazonaws.com/{name}"
        elif args.typ == "aws:cloudfront/distribution:Distribution":
            outputs["domainName"] = "d111111abcdef8.cloudfront.net"
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
    "aws:lambda/eventSourceMapping:EventSourceMapping": ("lambda", "event-source-mapping:{name}"),
    "aws:lambda/layerVersion:LayerVersion": ("lambda", "layer:{name}:1"),
    "aws:iam/role:Role": ("iam", "role/{name}"),
    "aws:cloudwatch/logGroup:LogGroup": ("logs", "log-group:{name}"),
    "aws:cloudwatch/eventRule:EventRule": ("events", "rule/{name}"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("cloudwatch", "alarm:{name}"),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("cloudwatch", "alarm:{name}"),
    "aws:sfn/stateMachine:StateMachine": ("states", "stateMachine:{name}"),
    "aws:pipes/pipe:Pipe": ("pipes", "pipe/{name}"),
    "aws:cognito/userPool:UserPool": ("cognito-idp", "userpool/{name}"),
    "aws:wafv2/webAcl:WebAcl": ("wafv2", "regional/webacl/{name}/1234abcd-12ab-34cd-56ef-1234567890ab"),
    "aws:cloudfront/distribution:Distribution": ("cloudfront", "distribution/EDFDVBD6EXAMPLE"),
    "aws:secretsmanager/secret:Secret": ("secretsmanager", "secret:{name}-a1B2c3"),
    "aws:kms/key:Key": ("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
}


def _arn(service: str, resource: str) -> str:
    region = "" if service in ("s3", "iam", "cloudfront") else REGION
    account = "" if service == "s3" else ACCOUNT_ID
    return f"arn:aws:{service}:{region}:{account}:{resource}"


def _physical_name(args: MockResourceArgs) -> str:
    keys = ("name", "bucket", "layerName", "alarmName", "dashboardName")
    return next((args.inputs[key] for key in keys if key in args.inputs), args.name)


class _RecordingMonitor(MockMonitor):
    """Records what mocks do not receive: parents, protection, dependencies; and the stack's outputs."""

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
                    ignore_changes=frozenset(request.ignoreChanges),
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
    """Close event loops: the monitor is called from worker threads, and would create one in each."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()
