"""Lambda: functions, layers, aliases and their settings."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pulumi import Archive

from localcloud.resources import tags as tag_apis
from localcloud.resources.archives import archive_bytes
from localcloud.resources.base import (
    Cloud,
    Created,
    Properties,
    Resource,
    ResourceNotFound,
    TaggedResource,
    camel_case,
    given,
    handles,
    pascal_case,
)


@handles("aws:lambda/layerVersion:LayerVersion")
class LayerVersion(Resource):
    irrelevant: ClassVar = {"sourceCodeHash": "it only determines when Pulumi has to publish again"}
    # Versions are immutable: any change needs a new one.
    identity: ClassVar = (
        "layer_name",
        "code",
        "compatible_architectures",
        "compatible_runtimes",
        "description",
        "license_info",
    )

    layer_name: str
    code: Archive
    compatible_architectures: list[str] | None = None
    compatible_runtimes: list[str] | None = None
    description: str | None = None
    license_info: str | None = None
    skip_destroy: bool = False

    def create(self, cloud: Cloud) -> Created:
        functions = cloud.client("lambda")
        code = archive_bytes(self.code)
        version = self._published(functions, code) or functions.publish_layer_version(
            LayerName=self.layer_name,
            Content={"ZipFile": code},
            **given(
                CompatibleArchitectures=self.compatible_architectures,
                CompatibleRuntimes=self.compatible_runtimes,
                Description=self.description,
                LicenseInfo=self.license_info,
            ),
        )
        return Created(
            version["LayerVersionArn"],
            {
                "arn": version["LayerVersionArn"],
                "layerArn": version["LayerArn"],
                "version": str(version["Version"]),
                "codeSha256": version["Content"]["CodeSha256"],
                "sourceCodeSize": version["Content"]["CodeSize"],
            },
        )

    def _published(self, functions: Any, code: bytes) -> dict[str, Any] | None:
        """Return the newest version if it is identical: storing tens of megabytes again at every start is slow."""
        newest = functions.list_layer_versions(LayerName=self.layer_name, MaxItems=1)["LayerVersions"]
        if not newest:
            return None
        version = functions.get_layer_version(LayerName=self.layer_name, VersionNumber=newest[0]["Version"])
        same = version["Content"]["CodeSha256"] == _sha256(code) and self == self._from_version(version)
        return version if same else None

    def _from_version(self, version: dict[str, Any]) -> Self:
        return self.with_actual_values(
            compatible_architectures=version.get("CompatibleArchitectures"),
            compatible_runtimes=version.get("CompatibleRuntimes"),
            description=version.get("Description"),
            license_info=version.get("LicenseInfo"),
        )

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        return self._from_version(cloud.client("lambda").get_layer_version_by_arn(Arn=resource_id))

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        if not self.skip_destroy:
            version = int(resource_id.rpartition(":")[2])
            cloud.client("lambda").delete_layer_version(LayerName=self.layer_name, VersionNumber=version)


class Environment(Properties):
    variables: Mapping[str, str] = {}


class VpcConfig(Properties):
    subnet_ids: list[str]
    security_group_ids: list[str]
    ipv6_allowed_for_dual_stack: bool | None = None


@handles("aws:lambda/function:Function")
class Function(TaggedResource):
    generated_name: ClassVar = "name"
    irrelevant: ClassVar = {"sourceCodeHash": "it only determines when Pulumi has to upload again"}
    identity: ClassVar = ("name",)
    volatile: ClassVar = (
        "codeSha256",
        "lastModified",
        "qualifiedArn",
        "qualifiedInvokeArn",
        "sourceCodeSize",
        "version",
    )
    tag_api: ClassVar = tag_apis.LAMBDA

    name: str
    role: str
    code: Archive
    handler: str
    runtime: str
    architectures: Sequence[str] = ("x86_64",)
    dead_letter_config: dict[str, str] | None = None
    description: str = ""
    environment: Environment = Environment()
    ephemeral_storage: dict[str, int] | None = None
    kms_key_arn: str | None = None
    layers: Sequence[str] = ()
    logging_config: dict[str, str] | None = None
    memory_size: int = 128
    publish: bool = False
    reserved_concurrent_executions: int = -1
    skip_destroy: bool = False
    snap_start: dict[str, str] | None = None
    timeout: int = 3
    tracing_config: dict[str, str] | None = None
    vpc_config: VpcConfig | None = None

    def create(self, cloud: Cloud) -> Created:
        functions = cloud.client("lambda")
        code = archive_bytes(self.code)
        try:
            function = functions.create_function(
                Code={"ZipFile": code},
                Architectures=self.architectures,
                Tags=self.tags,
                **self._configuration(),
            )
        except functions.exceptions.ResourceConflictException:
            function = self._update(functions, code)
        if self.publish:
            function = functions.publish_version(FunctionName=self.name)
        # -1 is the provider's value for "no reservation".
        if self.reserved_concurrent_executions >= 0:
            functions.put_function_concurrency(
                FunctionName=self.name, ReservedConcurrentExecutions=self.reserved_concurrent_executions
            )
        # A new function is Pending; the AWS provider waits for it, too. The update status is the last to change.
        functions.get_waiter("function_updated_v2").wait(
            FunctionName=self.name, Qualifier=function["Version"], WaiterConfig={"Delay": 0.1, "MaxAttempts": 300}
        )
        return Created(self.name, _function_outputs(cloud, function))

    def _update(self, functions: Any, code: bytes) -> dict[str, Any]:
        """Upload only changes: after any upload, publishing creates a new version."""
        function = functions.get_function_configuration(FunctionName=self.name)
        architectures = {"Architectures": self.architectures}
        if function["CodeSha256"] != _sha256(code) or not _has(function, architectures):
            function = functions.update_function_code(FunctionName=self.name, ZipFile=code, **architectures)
        layers = [layer["Arn"] for layer in function.get("Layers", [])]
        if not _has(function | {"Layers": layers}, self._configuration()):
            function = functions.update_function_configuration(**self._configuration())
        functions.delete_function_concurrency(FunctionName=self.name)
        return function

    def _configuration(self) -> dict[str, Any]:
        vpc = self.vpc_config
        return {
            "FunctionName": self.name,
            "Role": self.role,
            "Handler": self.handler,
            "Runtime": self.runtime,
            "Description": self.description,
            "Environment": {"Variables": self.environment.variables},
            "Layers": self.layers,
            "MemorySize": self.memory_size,
            "Timeout": self.timeout,
        } | given(
            DeadLetterConfig=pascal_case(self.dead_letter_config),
            EphemeralStorage=pascal_case(self.ephemeral_storage),
            KMSKeyArn=self.kms_key_arn,
            LoggingConfig=pascal_case(self.logging_config),
            SnapStart=pascal_case(self.snap_start),
            TracingConfig=pascal_case(self.tracing_config),
            VpcConfig=vpc
            and given(
                SubnetIds=vpc.subnet_ids,
                SecurityGroupIds=vpc.security_group_ids,
                Ipv6AllowedForDualStack=vpc.ipv6_allowed_for_dual_stack,
            ),
        )

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        """Return all inputs except the code."""
        functions = cloud.client("lambda")
        found = functions.get_function_configuration(FunctionName=resource_id)
        reserved = functions.get_function_concurrency(FunctionName=resource_id)
        return self.with_actual_values(
            architectures=found.get("Architectures"),
            description=found.get("Description"),
            environment={"variables": found.get("Environment", {}).get("Variables", {})},
            handler=found["Handler"],
            kms_key_arn=found.get("KMSKeyArn"),
            layers=[layer["Arn"] for layer in found.get("Layers", [])],
            memory_size=found["MemorySize"],
            reserved_concurrent_executions=reserved.get("ReservedConcurrentExecutions"),
            role=found["Role"],
            runtime=found["Runtime"],
            timeout=found["Timeout"],
            tracing_config=camel_case(found.get("TracingConfig")),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        if not self.skip_destroy:
            cloud.client("lambda").delete_function(FunctionName=resource_id)


def _sha256(archive: bytes) -> str:
    """Return the digest of an archive, as in CodeSha256."""
    return base64.b64encode(hashlib.sha256(archive).digest()).decode()


def _has(found: Any, wanted: Any) -> bool:
    """Whether `found` contains every value of `wanted`, at any depth."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return all(_has(found.get(key), value) for key, value in wanted.items())
    return found == (list(wanted) if isinstance(wanted, tuple) else wanted)


def _function_outputs(cloud: Cloud, function: dict[str, Any]) -> dict[str, Any]:
    name, version = function["FunctionName"], function["Version"]
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account_id}:function:{name}"
    return {
        "arn": arn,
        "invokeArn": _invoke_arn(cloud, arn),
        "qualifiedArn": f"{arn}:{version}",
        "qualifiedInvokeArn": _invoke_arn(cloud, f"{arn}:{version}"),
        "version": version,
        "codeSha256": function["CodeSha256"],
        "sourceCodeSize": function["CodeSize"],
        "lastModified": function["LastModified"],
    }


def _invoke_arn(cloud: Cloud, function_arn: str) -> str:
    """Return the ARN with which API Gateway invokes a function."""
    return f"arn:aws:apigateway:{cloud.region}:lambda:path/2015-03-31/functions/{function_arn}/invocations"


@handles("aws:lambda/alias:Alias")
class Alias(Resource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name", "function_name")

    name: str
    function_name: str
    function_version: str
    description: str = ""

    def create(self, cloud: Cloud) -> Created:
        functions = cloud.client("lambda")
        alias = {
            "Name": self.name,
            "FunctionName": self.function_name,
            "FunctionVersion": self.function_version,
            "Description": self.description,
        }
        try:
            arn = functions.create_alias(**alias)["AliasArn"]
        except functions.exceptions.ResourceConflictException:
            arn = functions.update_alias(**alias)["AliasArn"]
        return Created(arn, {"arn": arn, "invokeArn": _invoke_arn(cloud, arn)})

    def read(self, cloud: Cloud, resource_id: str) -> Self:  # noqa: ARG002 (the API needs both names)
        found = cloud.client("lambda").get_alias(FunctionName=self.function_name, Name=self.name)
        return self.with_actual_values(description=found.get("Description"), function_version=found["FunctionVersion"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:  # noqa: ARG002 (the API needs both names)
        cloud.client("lambda").delete_alias(FunctionName=self.function_name, Name=self.name)


@handles("aws:lambda/permission:Permission")
class Permission(Resource):
    identity: ClassVar = ("function", "qualifier", "statement_id", "action", "principal", "source_arn")

    function: str
    statement_id: str
    action: str
    principal: str
    qualifier: str | None = None
    source_arn: str | None = None

    def create(self, cloud: Cloud) -> Created:
        functions = cloud.client("lambda")
        with contextlib.suppress(functions.exceptions.ResourceNotFoundException):
            self.delete(cloud, self.statement_id)
        functions.add_permission(
            **self._key(), Action=self.action, Principal=self.principal, **given(SourceArn=self.source_arn)
        )
        return Created(self.statement_id, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        key = given(FunctionName=self.function, Qualifier=self.qualifier)
        policy = json.loads(cloud.client("lambda").get_policy(**key)["Policy"])
        if not any(statement["Sid"] == resource_id for statement in policy["Statement"]):
            raise ResourceNotFound(resource_id)
        return self

    def delete(self, cloud: Cloud, resource_id: str) -> None:  # noqa: ARG002 (the API asks for more names)
        cloud.client("lambda").remove_permission(**self._key())

    def _key(self) -> dict[str, str]:
        return given(FunctionName=self.function, StatementId=self.statement_id, Qualifier=self.qualifier)


@handles("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
class FunctionEventInvokeConfig(Resource):
    identity: ClassVar = ("function_name", "qualifier")

    function_name: str
    qualifier: str | None = None
    maximum_retry_attempts: int = 2
    maximum_event_age_in_seconds: int | None = None

    def create(self, cloud: Cloud) -> Created:
        cloud.client("lambda").put_function_event_invoke_config(
            FunctionName=self.function_name,
            MaximumRetryAttempts=self.maximum_retry_attempts,
            **given(Qualifier=self.qualifier, MaximumEventAgeInSeconds=self.maximum_event_age_in_seconds),
        )
        return Created(":".join(filter(None, (self.function_name, self.qualifier))), {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:  # noqa: ARG002 (the API needs both names)
        found = cloud.client("lambda").get_function_event_invoke_config(**self._key())
        return self.with_actual_values(
            maximum_event_age_in_seconds=found.get("MaximumEventAgeInSeconds"),
            maximum_retry_attempts=found.get("MaximumRetryAttempts"),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:  # noqa: ARG002 (the API needs both names)
        cloud.client("lambda").delete_function_event_invoke_config(**self._key())

    def _key(self) -> dict[str, str]:
        return given(FunctionName=self.function_name, Qualifier=self.qualifier)


@handles("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")
class ProvisionedConcurrencyConfig(Resource):
    identity: ClassVar = ("function_name", "qualifier")

    function_name: str
    qualifier: str
    provisioned_concurrent_executions: int
    skip_destroy: bool = False

    def create(self, cloud: Cloud) -> Created:
        cloud.client("lambda").put_provisioned_concurrency_config(
            FunctionName=self.function_name,
            Qualifier=self.qualifier,
            ProvisionedConcurrentExecutions=self.provisioned_concurrent_executions,
        )
        return Created(f"{self.function_name},{self.qualifier}", {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:  # noqa: ARG002 (the API needs both names)
        found = cloud.client("lambda").get_provisioned_concurrency_config(
            FunctionName=self.function_name, Qualifier=self.qualifier
        )
        return self.with_actual_values(
            provisioned_concurrent_executions=found["RequestedProvisionedConcurrentExecutions"]
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:  # noqa: ARG002 (the API needs both names)
        if not self.skip_destroy:
            cloud.client("lambda").delete_provisioned_concurrency_config(
                FunctionName=self.function_name, Qualifier=self.qualifier
            )


class ScalingConfig(Properties):
    maximum_concurrency: int


@handles("aws:lambda/eventSourceMapping:EventSourceMapping")
class EventSourceMapping(TaggedResource):
    identity: ClassVar = ("event_source_arn", "function_name")
    tag_api: ClassVar = tag_apis.LAMBDA

    event_source_arn: str
    function_name: str
    batch_size: int = 10
    enabled: bool = True
    function_response_types: Sequence[str] = ()
    maximum_batching_window_in_seconds: int = 0
    scaling_config: ScalingConfig | None = None

    def create(self, cloud: Cloud) -> Created:
        functions = cloud.client("lambda")
        if found := self._existing(functions):
            functions.update_event_source_mapping(UUID=found["UUID"], **self._configuration())
        else:
            found = functions.create_event_source_mapping(
                EventSourceArn=self.event_source_arn, Tags=self.tags, **self._configuration()
            )
        return Created(found["UUID"], {"arn": found["EventSourceMappingArn"], "uuid": found["UUID"]})

    def _existing(self, functions: Any) -> dict[str, Any] | None:
        mappings = functions.list_event_source_mappings(EventSourceArn=self.event_source_arn)["EventSourceMappings"]
        return next((each for each in mappings if each["FunctionArn"] == self.function_name), None)

    def _configuration(self) -> dict[str, Any]:
        scaling = self.scaling_config
        return {
            "FunctionName": self.function_name,
            "BatchSize": self.batch_size,
            "Enabled": self.enabled,
            "FunctionResponseTypes": list(self.function_response_types),
            "MaximumBatchingWindowInSeconds": self.maximum_batching_window_in_seconds,
        } | given(ScalingConfig=scaling and {"MaximumConcurrency": scaling.maximum_concurrency})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("lambda").get_event_source_mapping(UUID=resource_id)
        return self.with_actual_values(
            batch_size=found["BatchSize"],
            enabled=found["State"] == "Enabled",
            function_response_types=found.get("FunctionResponseTypes"),
            maximum_batching_window_in_seconds=found.get("MaximumBatchingWindowInSeconds"),
            scaling_config=camel_case(found.get("ScalingConfig")),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("lambda").delete_event_source_mapping(UUID=resource_id)
