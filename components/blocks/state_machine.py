"""The Express state machine that runs the workflow, with its role and its log."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.bucket import Bucket
from components.blocks.function import Function
from components.blocks.iam import ServiceRole, ServiceRoleArgs, Statement, allow, use_key, write_traces
from components.blocks.log_groups import workflow_log_group
from components.blocks.monitoring import FIVE_MINUTES, Alarm, Metric
from components.blocks.queue import DeadLetterQueue
from components.settings import Settings
from components.stack_context import StackContext
from components.workflow.file_workflow import TransformSpec, WorkflowSpec, workflow_definition
from contract.keys import UPLOADS


@dataclass(frozen=True, kw_only=True)
class StateMachineArgs:
    """`transforms` are the functions by their name in the settings."""

    context: StackContext
    settings: Settings
    validate: Function
    erase: Function
    transforms: Mapping[str, Function]
    ingest_bucket: Bucket
    validate_dlq: DeadLetterQueue
    assets: aws.dynamodb.Table
    jobs: aws.dynamodb.Table
    results_topic_arn: pulumi.Input[str]


class StateMachine(pulumi.ComponentResource):
    """Runs the workflow of `components.workflow.file_workflow`, one execution per file version."""

    log_group_name: str
    arn: pulumi.Output[str]
    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: StateMachineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:StateMachine", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        context, settings = args.context, args.settings
        machine_name = context.name("state-machine")
        self.log_group_name = workflow_log_group(context)
        log_group = aws.cloudwatch.LogGroup(
            name,
            name=self.log_group_name,
            retention_in_days=settings.log_retention_days,
            kms_key_id=context.key_arn,
            tags=context.tags,
            opts=child,
        )
        role = ServiceRole(
            name,
            ServiceRoleArgs(
                context=context,
                role_name=context.name("workflow"),
                description="Invokes the functions, writes the records and publishes results",
                service="states.amazonaws.com",
                source_arn=context.arn("states", f"stateMachine:{machine_name}"),
                statements=_statements(args),
            ),
            child,
        )
        machine = aws.sfn.StateMachine(
            name,
            name=machine_name,
            type="EXPRESS",
            role_arn=role.arn,
            definition=_definition(args),
            logging_configuration={
                "level": settings.workflow_log_level,
                "include_execution_data": settings.workflow_log_data,
                "log_destination": pulumi.Output.concat(log_group.arn, ":*"),
            },
            tracing_configuration={"enabled": settings.tracing},
            tags=context.tags,
            # Step Functions checks this permission when it creates the state machine.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
        self.arn = machine.arn
        self.role_arn = role.arn
        self.register_outputs({"arn": self.arn, "role_arn": self.role_arn})

    def metric(self, name: str, statistic: str = "Sum") -> Metric:
        """A metric that Step Functions publishes about this machine."""
        return Metric(namespace="AWS/States", name=name, statistic=statistic, dimensions={"StateMachineArn": self.arn})

    def alarms(self, settings: Settings) -> list[Alarm]:
        """The alarms on how executions end, whether they start, and how long they take."""
        thresholds = settings.alarms
        log = f"aws logs tail {self.log_group_name} --since 30m"
        return [
            Alarm(
                name="workflow-failed",
                meaning="Executions fail after their retries; their messages return to the queue, are received again, "
                "and are finally moved to the dead-letter queue.",
                command=f"{log} --filter-pattern ExecutionFailed",
                metrics={"failed": self.metric("ExecutionsFailed")},
                threshold=thresholds.workflow_failures,
                period_seconds=FIVE_MINUTES,
                pages=True,
            ),
            Alarm(
                name="workflow-timed-out",
                meaning=f"Executions time out after {settings.workflow_timeout_seconds} s, which no Catch handles.",
                command=f"{log} --filter-pattern ExecutionTimedOut",
                metrics={"timed": self.metric("ExecutionsTimedOut")},
                threshold=0,
                period_seconds=FIVE_MINUTES,
            ),
            Alarm(
                name="workflow-throttled",
                meaning="Step Functions throttles new executions; their messages stay on the queue.",
                command="aws service-quotas list-service-quotas --service-code states",
                metrics={"throttled": self.metric("ExecutionThrottled")},
                threshold=0,
                period_seconds=FIVE_MINUTES,
            ),
            Alarm(
                name="workflow-p99-time",
                meaning=f"One execution in a hundred takes longer than {thresholds.workflow_p99_seconds:g} seconds.",
                command=f"{log} --filter-pattern ExecutionSucceeded",
                metrics={"time": self.metric("ExecutionTime", "p99")},
                # ExecutionTime is in milliseconds ("Monitoring Step Functions metrics").
                threshold=thresholds.workflow_p99_seconds * 1000,
                period_seconds=FIVE_MINUTES,
            ),
        ]


def _definition(args: StateMachineArgs) -> pulumi.Output[str]:
    settings = args.settings

    def build(resolved: dict) -> str:
        return json.dumps(
            workflow_definition(
                WorkflowSpec(
                    validate_function_arn=resolved["validate"],
                    validate_timeout_seconds=settings.validate_.timeout_seconds,
                    erase_function_arn=resolved["erase"],
                    transforms=tuple(
                        TransformSpec(
                            name=name,
                            media_types=settings.types_of(name),
                            function_arn=function_arn,
                            timeout_seconds=settings.transforms[name].timeout_seconds,
                        )
                        for name, function_arn in resolved["transforms"].items()
                    ),
                    assets_table=resolved["assets"],
                    jobs_table=resolved["jobs"],
                    validate_dlq_url=resolved["validate_dlq"],
                    results_topic_arn=resolved["results"],
                    map_concurrency=settings.map_concurrency,
                    timeout_seconds=settings.workflow_timeout_seconds,
                    job_retention_days=settings.job_retention_days,
                    malware_scan=settings.malware_scan,
                )
            )
        )

    return pulumi.Output.all(
        validate=args.validate.alias_arn,
        erase=args.erase.alias_arn,
        transforms={name: function.alias_arn for name, function in args.transforms.items()},
        assets=args.assets.name,
        jobs=args.jobs.name,
        validate_dlq=args.validate_dlq.url,
        results=args.results_topic_arn,
    ).apply(build)


def _statements(args: StateMachineArgs) -> list[Statement]:
    functions = [args.validate, args.erase, *args.transforms.values()]
    return [
        allow(
            "RunFunctions",
            ["lambda:InvokeFunction"],
            [function.alias_arn for function in functions],
            why="Invokes the live alias of each function",
        ),
        allow(
            "FindFirstVersions",
            ["s3:ListBucketVersions"],
            [args.ingest_bucket.arn],
            {"StringLike": {"s3:prefix": [f"{UPLOADS}*"]}},
            why="Determines which version the job id in a key belongs to",
        ),
        allow(
            "KeepJobs",
            ["dynamodb:GetItem", "dynamodb:UpdateItem"],
            [args.jobs.arn],
            why="Writes the status and the stage of each job",
        ),
        allow(
            "KeepAssets",
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            [args.assets.arn],
            why="Writes a file's record unless a newer one exists, and marks it as published",
        ),
        allow(
            "KeepRejectedFiles",
            ["sqs:SendMessage"],
            [args.validate_dlq.arn],
            why="Sends a rejected file's event with the reason",
        ),
        allow(
            "TellResults",
            ["sns:Publish"],
            [args.results_topic_arn],
            why="Publishes the result of each file",
        ),
        *use_key(args.context, ["kms:Decrypt", "kms:GenerateDataKey"], ["dynamodb", "sqs", "sns"]),
        _deliver_logs(),
        *([write_traces(), _read_sampling()] if args.settings.tracing else []),
    ]


def _deliver_logs() -> Statement:
    """Permission to write the log, whose actions support no resource but `*` ("Logging in CloudWatch Logs")."""
    actions = [
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    ]
    why = "Delivers the workflow's log; AWS supports no narrower resource"
    return allow("DeliverLogs", actions, ["*"], why=why)


def _read_sampling() -> Statement:
    """Permission to read X-Ray's sampling rules, whose actions support no resource but `*`."""
    why = "Reads which executions to trace; AWS supports no narrower resource"
    return allow("ReadSampling", ["xray:GetSamplingRules", "xray:GetSamplingTargets"], ["*"], why=why)
