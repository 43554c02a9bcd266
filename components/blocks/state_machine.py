"""An Express state machine with its role and its log."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.iam import ServiceRole, ServiceRoleArgs, Statement, allow, write_traces
from components.blocks.log_groups import workflow_log_group
from components.blocks.monitoring import FIVE_MINUTES, Alarm, Metric
from components.settings import Alarms, Settings
from components.stack_context import StackContext


@dataclass(frozen=True, kw_only=True)
class StateMachineArgs:
    """What distinguishes one workflow from another.

    Attributes:
        machine, role: the parts of the physical names of the machine and its role after img-pipeline-{stack}-.
        description: what the role does.
        definition: in Amazon States Language, as JSON.
        statements: the permissions that the workflow's tasks need.
    """

    context: StackContext
    settings: Settings
    machine: str
    role: str
    description: str
    definition: pulumi.Input[str]
    statements: Sequence[Statement]


class StateMachine(pulumi.ComponentResource):
    """Runs a workflow as Express executions."""

    log_group_name: str
    arn: pulumi.Output[str]
    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: StateMachineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:StateMachine", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        context, settings = args.context, args.settings
        machine_name = context.name(args.machine)
        self._role = args.role
        self.log_group_name = workflow_log_group(context, args.machine)
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
                role_name=context.name(args.role),
                description=args.description,
                service="states.amazonaws.com",
                source_arn=context.arn("states", f"stateMachine:{machine_name}"),
                statements=[
                    *args.statements,
                    _deliver_logs(),
                    *trace_executions(settings),
                ],
            ),
            child,
        )
        machine = aws.sfn.StateMachine(
            name,
            name=machine_name,
            type="EXPRESS",
            role_arn=role.arn,
            definition=args.definition,
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

    def alarms(
        self, thresholds: Alarms, *, timeout_seconds: int, when_failed: str, when_throttled: str, pages: bool
    ) -> list[Alarm]:
        """The alarms on how executions end and whether they start.

        Args:
            thresholds: the settings' own.
            timeout_seconds: the workflow's.
            when_failed, when_throttled: what happens then, to end a sentence.
            pages: whether failures page.
        """
        log = f"aws logs tail {self.log_group_name} --since 30m"
        return [
            Alarm(
                name=f"{self._role}-failed",
                meaning=f"Executions fail after their retries; {when_failed}.",
                command=f"{log} --filter-pattern ExecutionFailed",
                metrics={"failed": self.metric("ExecutionsFailed")},
                threshold=thresholds.workflow_failures,
                period_seconds=FIVE_MINUTES,
                pages=pages,
            ),
            Alarm(
                name=f"{self._role}-timed-out",
                meaning=f"Executions time out after {timeout_seconds} s, which no Catch handles.",
                command=f"{log} --filter-pattern ExecutionTimedOut",
                metrics={"timed": self.metric("ExecutionsTimedOut")},
                threshold=0,
                period_seconds=FIVE_MINUTES,
            ),
            Alarm(
                name=f"{self._role}-throttled",
                meaning=f"Step Functions throttles new executions; {when_throttled}.",
                command="aws service-quotas list-service-quotas --service-code states",
                metrics={"throttled": self.metric("ExecutionThrottled")},
                threshold=0,
                period_seconds=FIVE_MINUTES,
            ),
        ]

    def slow_alarm(self, p99_seconds: float) -> Alarm:
        """The alarm on how long executions take."""
        return Alarm(
            name=f"{self._role}-p99-time",
            meaning=f"One execution in a hundred takes longer than {p99_seconds:g} seconds.",
            command=f"aws logs tail {self.log_group_name} --since 30m --filter-pattern ExecutionSucceeded",
            metrics={"time": self.metric("ExecutionTime", "p99")},
            # ExecutionTime is in milliseconds ("Monitoring Step Functions metrics").
            threshold=p99_seconds * 1000,
            period_seconds=FIVE_MINUTES,
        )


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


def trace_executions(settings: Settings) -> list[Statement]:
    """Permission to send traces of executions, and to read which to trace; AWS supports no resource but `*`."""
    if not settings.tracing:
        return []
    why = "Reads which executions to trace; AWS supports no narrower resource"
    return [write_traces(), allow("ReadSampling", ["xray:GetSamplingRules", "xray:GetSamplingTargets"], ["*"], why=why)]
