"""The EventBridge Pipe that starts the workflow for each message and waits for the result."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.consumer import take_messages
from components.blocks.iam import ServiceRole, ServiceRoleArgs, allow, use_key, write_logs
from components.blocks.inventory import Inventory
from components.blocks.log_groups import pipe_log_group
from components.blocks.monitoring import FIVE_MINUTES, Alarm, Metric, Monitoring, not_consumed
from components.blocks.queue import Queue, queue_metric
from components.settings import Settings
from components.stack_context import StackContext

# The workflow's input. The body of a message is the event itself, as JSON; unquoted, it stays JSON.
INPUT_TEMPLATE = (
    '{"messageId": <$.messageId>, "receiveCount": <$.attributes.ApproximateReceiveCount>, "event": <$.body>}'
)


@dataclass(frozen=True, kw_only=True)
class WorkflowPipeArgs:
    context: StackContext
    settings: Settings
    queue: Queue
    state_machine_arn: pulumi.Input[str]


class WorkflowPipe(pulumi.ComponentResource):
    """One execution per message; the message is deleted only if its execution succeeds."""

    pipe_name: str
    log_group_name: str
    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: WorkflowPipeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:WorkflowPipe", name, None, opts)
        self._prefix, self._args = name, args
        context = args.context
        self.pipe_name = context.name("pipe")
        self.log_group_name = pipe_log_group(context)
        log_group = aws.cloudwatch.LogGroup(
            name,
            name=self.log_group_name,
            retention_in_days=args.settings.log_retention_days,
            kms_key_id=context.key_arn,
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        role = self._role(log_group)
        self._pipe(role, log_group)
        self.role_arn = role.arn
        self.register_outputs({"pipe_name": self.pipe_name, "role_arn": self.role_arn})

    def inventory(self) -> Inventory:
        """The pipe."""
        return Inventory(outputs={"pipe_name": self.pipe_name}, workflows={"pipe": self})

    def _role(self, log_group: aws.cloudwatch.LogGroup) -> ServiceRole:
        args, context = self._args, self._args.context
        return ServiceRole(
            self._prefix,
            ServiceRoleArgs(
                context=context,
                role_name=self.pipe_name,
                description="Receives messages from the transform queue and starts the workflow",
                service="pipes.amazonaws.com",
                source_arn=context.arn("pipes", f"pipe/{self.pipe_name}"),
                statements=[
                    take_messages(
                        args.queue.arn, "Receives messages, and deletes a message when its execution has succeeded"
                    ),
                    allow(
                        "RunWorkflow",
                        ["states:StartSyncExecution"],
                        [args.state_machine_arn],
                        why="Starts the workflow for a message and waits for the result",
                    ),
                    write_logs(log_group.arn),
                    *use_key(context, ["kms:Decrypt"], ["sqs"]),
                ],
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _pipe(self, role: ServiceRole, log_group: aws.cloudwatch.LogGroup) -> None:
        args = self._args
        aws.pipes.Pipe(
            self._prefix,
            name=self.pipe_name,
            description="Transform queue to workflow, batch size 1",
            role_arn=role.arn,
            source=args.queue.arn,
            source_parameters={"sqs_queue_parameters": {"batch_size": 1}},
            target=args.state_machine_arn,
            target_parameters={
                "input_template": INPUT_TEMPLATE,
                # With REQUEST_RESPONSE a failed message stays on the queue; FIRE_AND_FORGET would delete it at once.
                "step_function_state_machine_parameters": {"invocation_type": "REQUEST_RESPONSE"},
            },
            log_configuration={
                "level": "ERROR",
                "cloudwatch_logs_log_destination": {"log_group_arn": log_group.arn},
            },
            desired_state="RUNNING",
            tags=args.context.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )

    def monitoring(self) -> Monitoring:
        """Alarms on executions that fail, are throttled, or are not started at all."""
        lines = {"started": "Invocations", "failed": "ExecutionFailed", "throttled": "ExecutionThrottled"}
        return Monitoring(
            alarms=[self._failures(), self._throttles(), self._stopped()],
            rows=[{"Pipe": {label: self._metric(name) for label, name in lines.items()}}],
        )

    def _metric(self, name: str) -> Metric:
        dimensions = {"PipeName": self.pipe_name}
        return Metric(namespace="AWS/EventBridge/Pipes", name=name, statistic="Sum", dimensions=dimensions)

    def _failures(self) -> Alarm:
        return Alarm(
            name="pipe-failures",
            meaning=f"Executions started by {self.pipe_name} fail or time out; their messages return to "
            f"{self._args.queue.queue_name}.",
            command=f"aws logs tail {self.log_group_name} --since 30m",
            metrics={"failed": self._metric("ExecutionFailed"), "timeout": self._metric("ExecutionTimeout")},
            expression="FILL(failed,0)+FILL(timeout,0)",
            threshold=self._args.settings.alarms.pipe_failures,
            period_seconds=FIVE_MINUTES,
        )

    def _throttles(self) -> Alarm:
        return Alarm(
            name="pipe-throttles",
            meaning=f"{self.pipe_name} is throttled: the account has reached its limit of concurrent pipe executions.",
            command="aws service-quotas list-service-quotas --service-code pipes",
            metrics={"throttled": self._metric("ExecutionThrottled")},
            threshold=0,
            period_seconds=FIVE_MINUTES,
        )

    def _stopped(self) -> Alarm:
        # There is no metric of a pipe's state. A pipe that is stopped, or disabled after repeated errors, is detected
        # by visible messages without invocations.
        queue_name = self._args.queue.queue_name
        return Alarm(
            name="pipe-stopped",
            meaning=f"Messages are visible in {queue_name}, but {self.pipe_name} receives none: it is stopped or "
            "disabled.",
            command=f"aws pipes describe-pipe --name {self.pipe_name} --query '[CurrentState,StateReason]'",
            metrics={
                "visible": queue_metric(queue_name, "ApproximateNumberOfMessagesVisible"),
                "invocations": self._metric("Invocations"),
            },
            expression=not_consumed("visible", "invocations"),
            threshold=0,
            periods=5,
            pages=True,
        )
