"""Lambda: functions, layers, aliases and what is set on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pulumi import Archive

from localcloud.resources.archives import archive_bytes
from localcloud.resources.base import Cloud, Created, Properties, Resource, given, handles, pascal_case


@handles("aws:lambda/layerVersion:LayerVersion")
class LayerVersion(Resource):
    irrelevant: ClassVar = {
        "skipDestroy": "nothing is destroyed here: the whole cloud goes away at once",
        "sourceCodeHash": "it only tells Pulumi when to publish again",
    }

    layer_name: str
    code: Archive
    compatible_architectures: list[str] | None = None
    compatible_runtimes: list[str] | None = None
    description: str | None = None
    license_info: str | None = None

    def create(self, cloud: Cloud) -> Created:
        version = cloud.client("lambda").publish_layer_version(
            LayerName=self.layer_name,
            Content={"ZipFile": archive_bytes(self.code)},
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
        "skipDestroy": "nothing is destroyed here: the whole cloud goes away at once",
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
        function = functions.create_function(
            FunctionName=self.name,
            Role=self.role,
            Code={"ZipFile": archive_bytes(self.code)},
            Handler=self.handler,
            Runtime=self.runtime,
            Architectures=self.architectures,
            Description=self.description,
            Environment={"Variables": self.environment.variables},
            Layers=self.layers,
            MemorySize=self.memory_size,
            Publish=self.publish,
            Timeout=self.timeout,
            Tags=self.tags,
            **self._optional_groups(),
        )
        # -1 is the provider's word for "no reservation".
        if self.reserved_concurrent_executions >= 0:
            functions.put_function_concurrency(
                FunctionName=self.name, ReservedConcurrentExecutions=self.reserved_concurrent_executions
            )
        return Created(self.name, _function_outputs(cloud, function))

    def _optional_groups(self) -> dict[str, Any]:
        vpc = self.vpc_config
        return given(
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
        arn = cloud.client("lambda").create_alias(
            Name=self.name,
            FunctionName=self.function_name,
            FunctionVersion=self.function_version,
            Description=self.description,
        )["AliasArn"]
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
    irrelevant: ClassVar = {"skipDestroy": "nothing is destroyed here: the whole cloud goes away at once"}

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
        cloud.client("lambda").add_permission(
            FunctionName=self.function,
            StatementId=self.statement_id,
            Action=self.action,
            Principal=self.principal,
            **given(Qualifier=self.qualifier, SourceAccount=self.source_account, SourceArn=self.source_arn),
        )
        return Created(self.statement_id, {})
