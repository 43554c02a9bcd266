"""Lambda: functions, layers, aliases and what is set on them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pulumi import Archive

from localcloud.resources.archives import archive_bytes
from localcloud.resources.base import NEVER_DESTROYED, Cloud, Created, Properties, Resource, given, handles, pascal_case


@handles("aws:lambda/layerVersion:LayerVersion")
class LayerVersion(Resource):
    irrelevant: ClassVar = {
        "skipDestroy": NEVER_DESTROYED,
        "sourceCodeHash": "it only tells Pulumi when to publish again",
    }

    layer_name: str
    code: Archive
    compatible_architectures: list[str] | None = None
    compatible_runtimes: list[str] | None = None
    description: str | None = None
    license_info: str | None = None

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
        """The newest version if it holds this very code: tens of megabytes need not be kept again at every start."""
        newest = functions.list_layer_versions(LayerName=self.layer_name, MaxItems=1)["LayerVersions"]
        if not newest:
            return None
        version = functions.get_layer_version(LayerName=self.layer_name, VersionNumber=newest[0]["Version"])
        digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
        return version if version["Content"]["CodeSha256"] == digest else None


class Environment(Properties):
    variables: Mapping[str, str] = {}


class VpcConfig(Properties):
    subnet_ids: list[str]
    security_group_ids: list[str]
    ipv6_allowed_for_dual_stack: bool | None = None


@handles("aws:lambda/function:Function")
class Function(Resource):
    generated_name: ClassVar = "name"
    irrelevant: ClassVar = {
        "skipDestroy": NEVER_DESTROYED,
        "sourceCodeHash": "it only tells Pulumi when to upload again",
    }

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
    snap_start: dict[str, str] | None = None
    timeout: int = 3
    tracing_config: dict[str, str] | None = None
    vpc_config: VpcConfig | None = None
    tags: Mapping[str, str] = {}

    def create(self, cloud: Cloud) -> Created:
        functions = cloud.client("lambda")
        code = archive_bytes(self.code)
        try:
            function = functions.create_function(
                Code={"ZipFile": code},
                Architectures=self.architectures,
                Publish=self.publish,
                Tags=self.tags,
                **self._configuration(),
            )
        except functions.exceptions.ResourceConflictException:
            function = self._update(functions, code)
        # -1 is the provider's word for "no reservation".
        if self.reserved_concurrent_executions >= 0:
            functions.put_function_concurrency(
                FunctionName=self.name, ReservedConcurrentExecutions=self.reserved_concurrent_executions
            )
        return Created(self.name, _function_outputs(cloud, function))

    def _update(self, functions: Any, code: bytes) -> dict[str, Any]:
        functions.update_function_code(FunctionName=self.name, ZipFile=code, Architectures=self.architectures)
        function = functions.update_function_configuration(**self._configuration())
        functions.delete_function_concurrency(FunctionName=self.name)
        return functions.publish_version(FunctionName=self.name) if self.publish else function

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
    """The address that API Gateway calls a function by."""
    return f"arn:aws:apigateway:{cloud.region}:lambda:path/2015-03-31/functions/{function_arn}/invocations"


@handles("aws:lambda/alias:Alias")
class Alias(Resource):
    generated_name: ClassVar = "name"

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


@handles("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
class FunctionEventInvokeConfig(Resource):
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


@handles("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")
class ProvisionedConcurrencyConfig(Resource):
    irrelevant: ClassVar = {"skipDestroy": NEVER_DESTROYED}

    function_name: str
    qualifier: str
    provisioned_concurrent_executions: int

    def create(self, cloud: Cloud) -> Created:
        cloud.client("lambda").put_provisioned_concurrency_config(
            FunctionName=self.function_name,
            Qualifier=self.qualifier,
            ProvisionedConcurrentExecutions=self.provisioned_concurrent_executions,
        )
        return Created(f"{self.function_name},{self.qualifier}", {})


@handles("aws:lambda/permission:Permission")
class Permission(Resource):
    generated_name: ClassVar = "statementId"

    statement_id: str
    action: str
    function: str
    principal: str
    qualifier: str | None = None
    source_account: str | None = None
    source_arn: str | None = None

    def create(self, cloud: Cloud) -> Created:
        functions = cloud.client("lambda")
        statement = given(FunctionName=self.function, StatementId=self.statement_id, Qualifier=self.qualifier)
        with contextlib.suppress(functions.exceptions.ResourceNotFoundException):
            functions.remove_permission(**statement)
        functions.add_permission(
            Action=self.action,
            Principal=self.principal,
            **statement,
            **given(SourceAccount=self.source_account, SourceArn=self.source_arn),
        )
        return Created(self.statement_id, {})
