"""One Lambda function with its role, log group, alias and concurrency."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.iam import ServiceRole, ServiceRoleArgs, Statement, allow, write_logs, write_traces
from components.blocks.log_groups import function_log_group
from components.blocks.monitoring import FIVE_MINUTES, Alarm, Metric, percentage
from components.blocks.network import Network
from components.settings import Alarms
from components.stack_context import StackContext
from contract.memory import LEAST_STORAGE_MB
from contract.metrics import NAMESPACE_VARIABLE, SERVICE_DIMENSION, metrics_namespace
from contract.metrics import Metric as FunctionMetric
from contract.names import LIVE


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What all functions of a stack have in common."""

    context: StackContext
    code: pulumi.FileArchive
    layer_arns: Mapping[str, pulumi.Input[str]]
    runtime: str
    architecture: str
    log_level: str
    log_retention_days: int
    snap_started: Collection[str]
    tracing: bool
    publishes_metrics: bool
    network: Network | None


@dataclass(frozen=True, kw_only=True)
class FunctionArgs:
    """`reserved_concurrency` 0 means unreserved concurrency; `statements` are the permissions that its code needs."""

    platform: Platform
    short_name: str
    layer: str
    description: str
    memory_mb: int
    storage_mb: int = LEAST_STORAGE_MB
    timeout_seconds: int
    reserved_concurrency: int
    provisioned_concurrency: int = 0
    environment: Mapping[str, pulumi.Input[str]]
    statements: Sequence[Statement]


class Function(pulumi.ComponentResource):
    """The function functions/{short_name}, called through its alias `live`."""

    short_name: str
    function_name: str
    log_group_name: str
    alias_arn: pulumi.Output[str]
    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: FunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Function", name, None, opts)
        self._prefix, self._args = name, args
        self.short_name = args.short_name
        self.function_name = args.platform.context.name(args.short_name)
        self.log_group_name = function_log_group(args.platform.context, args.short_name)
        log_group = self._log_group()
        role = self._role(log_group)
        self.alias_arn = self._alias(self._function(role, log_group))
        self.role_arn = role.arn
        self.register_outputs({"alias_arn": self.alias_arn, "role_arn": self.role_arn})

    def _log_group(self) -> aws.cloudwatch.LogGroup:
        platform = self._args.platform
        return aws.cloudwatch.LogGroup(
            self._prefix,
            name=self.log_group_name,
            retention_in_days=platform.log_retention_days,
            kms_key_id=platform.context.key_arn,
            tags=platform.context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _role(self, log_group: aws.cloudwatch.LogGroup) -> ServiceRole:
        platform = self._args.platform
        context, network = platform.context, platform.network
        return ServiceRole(
            self._prefix,
            ServiceRoleArgs(
                context=context,
                role_name=self.function_name,
                # Lambda documents no source ARN for assuming a role, so the condition is the account alone.
                description=f"Execution role of {self.function_name}",
                service="lambda.amazonaws.com",
                statements=[
                    *self._args.statements,
                    write_logs(log_group.arn),
                    *([write_traces()] if platform.tracing else []),
                    *(_join_network(self.function_name, network, context) if network else []),
                ],
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _function(self, role: ServiceRole, log_group: aws.cloudwatch.LogGroup) -> aws.lambda_.Function:
        args, platform = self._args, self._args.platform
        namespace = metrics_namespace(platform.context.stack)
        return aws.lambda_.Function(
            self._prefix,
            name=self.function_name,
            description=args.description,
            role=role.arn,
            runtime=platform.runtime,
            architectures=[platform.architecture],
            code=platform.code,
            handler=f"functions.{args.short_name}.handler.handler",
            layers=[platform.layer_arns[args.layer]],
            memory_size=args.memory_mb,
            ephemeral_storage={"size": args.storage_mb},
            timeout=args.timeout_seconds,
            # The provider's value for unreserved is -1; 0 would throttle every call.
            reserved_concurrent_executions=args.reserved_concurrency or -1,
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables={
                    "POWERTOOLS_SERVICE_NAME": args.short_name,
                    # Without it the functions publish no metrics, each of which is paid for.
                    **({NAMESPACE_VARIABLE: namespace} if platform.publishes_metrics else {}),
                    "POWERTOOLS_LOG_LEVEL": platform.log_level,
                    **args.environment,
                }
            ),
            # Lambda grants the role the use of this key ("Grants in AWS KMS"), so its policy does not name it.
            kms_key_arn=platform.context.key_arn,
            tracing_config={"mode": "Active" if platform.tracing else "PassThrough"},
            logging_config={"log_format": "Text", "log_group": log_group.name},
            vpc_config=_vpc_config(platform.network),
            snap_start={"apply_on": "PublishedVersions"} if args.short_name in platform.snap_started else None,
            publish=True,
            tags=platform.context.tags,
            # Lambda checks the role's policy when it creates the function.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )

    def _alias(self, function: aws.lambda_.Function) -> pulumi.Output[str]:
        """Name the version that is called, and limit how.

        Returns:
            The ARN to call it by.
        """
        child = pulumi.ResourceOptions(parent=self)
        alias = aws.lambda_.Alias(
            self._prefix,
            name=LIVE,
            description="The version that is called",
            function_name=function.name,
            function_version=function.version,
            opts=child,
        )
        # Callers invoke synchronously and retry. Lambda would retry an asynchronous invocation twice by default.
        aws.lambda_.FunctionEventInvokeConfig(
            self._prefix, function_name=function.name, qualifier=alias.name, maximum_retry_attempts=0, opts=child
        )
        if self._args.provisioned_concurrency:
            aws.lambda_.ProvisionedConcurrencyConfig(
                self._prefix,
                function_name=function.name,
                qualifier=alias.name,
                provisioned_concurrent_executions=self._args.provisioned_concurrency,
                opts=child,
            )
        return alias.arn

    def metric(self, name: str, statistic: str = "Sum") -> Metric:
        """A metric that Lambda publishes about this function."""
        dimensions = {"FunctionName": self.function_name}
        return Metric(namespace="AWS/Lambda", name=name, statistic=statistic, dimensions=dimensions)

    def alarms(self, thresholds: Alarms) -> list[Alarm]:
        """The alarms on errors and cold starts of this function."""
        return [self._errors(thresholds), self._cold_starts(thresholds)]

    def _errors(self, thresholds: Alarms) -> Alarm:
        limit = thresholds.function_error_percent
        return Alarm(
            name=f"{self._args.short_name}-errors",
            meaning=f"More than {limit:g} % of the calls to {self.function_name} return an error.",
            command=f"aws logs tail {self.log_group_name} --since 30m --filter-pattern '?ERROR ?\"Task timed out\"'",
            metrics={"errors": self.metric("Errors"), "calls": self.metric("Invocations")},
            expression=percentage("errors", "calls", thresholds.minimum_invocations),
            threshold=limit,
            period_seconds=FIVE_MINUTES,
        )

    def _cold_starts(self, thresholds: Alarms) -> Alarm:
        limit = thresholds.cold_start_percent
        # One sample for each call: 1 for a cold start, else 0.
        samples = {
            "namespace": metrics_namespace(self._args.platform.context.stack),
            "name": FunctionMetric.COLD_START,
            "dimensions": {SERVICE_DIMENSION: self._args.short_name},
        }
        return Alarm(
            name=f"{self._args.short_name}-cold-starts",
            meaning=f"More than {limit:g} % of the calls to {self.function_name} are cold starts.",
            command=f"aws lambda list-provisioned-concurrency-configs --function-name {self.function_name}",
            metrics={
                "cold": Metric(**samples, statistic="Sum"),
                "calls": Metric(**samples, statistic="SampleCount"),
            },
            expression=percentage("cold", "calls", thresholds.minimum_invocations),
            threshold=limit,
            period_seconds=FIVE_MINUTES,
            periods=3,
        )


def _vpc_config(network: Network | None) -> aws.lambda_.FunctionVpcConfigArgs | None:
    if network is None:
        return None
    return aws.lambda_.FunctionVpcConfigArgs(
        subnet_ids=list(network.subnet_ids), security_group_ids=[network.security_group_id]
    )


def _join_network(function_name: str, network: Network, context: StackContext) -> list[Statement]:
    """Permission for Lambda to attach the function to the VPC, denied to the function's own code.

    The actions are those of "Giving Lambda functions access to resources in an Amazon VPC"; so is the denial, which
    works because only calls from the function's own code carry its ARN.
    """
    create_in = [
        context.arn("ec2", "network-interface/*"),
        *(context.arn("ec2", f"subnet/{subnet_id}") for subnet_id in network.subnet_ids),
        pulumi.Output.concat(context.arn("ec2", "security-group/"), network.security_group_id),
    ]
    # CreateFunction checks these before an interface exists, so without a resource: a narrower grant makes it fail.
    manage = ["ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"]
    describe = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    return [
        allow("JoinNetwork", ["ec2:CreateNetworkInterface"], create_in, why="Lambda attaches the function to the VPC"),
        allow(
            "ManageNetworkInterfaces",
            manage,
            ["*"],
            why="Lambda manages the interface that it created; Lambda checks this before the interface exists",
        ),
        allow("DescribeNetwork", describe, ["*"], why="Lambda finds the subnets; AWS supports no narrower resource"),
        {
            "Sid": "NotByCode",
            "Effect": "Deny",
            "Action": ["ec2:CreateNetworkInterface", *manage, *describe],
            "Resource": ["*"],
            "Condition": {
                "ArnEquals": {"lambda:SourceFunctionArn": context.arn("lambda", f"function:{function_name}")}
            },
        },
    ]
