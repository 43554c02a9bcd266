"""The pipe that takes each message through the workflow and waits for how it ends."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.iam import ServiceRole, ServiceRoleArgs, allow, use_key, write_logs
from components.blocks.queue import Queue
from components.stack_context import StackContext

# The workflow's input. The body of a message is the event itself, as JSON; unquoted, it stays JSON.
INPUT_TEMPLATE = (
    '{"messageId": <$.messageId>, "receiveCount": <$.attributes.ApproximateReceiveCount>, "event": <$.body>}'
)


@dataclass(frozen=True, kw_only=True)
class WorkflowPipeArgs:
    context: StackContext
    queue: Queue
    state_machine_arn: pulumi.Input[str]
    log_retention_days: int


class WorkflowPipe(pulumi.ComponentResource):
    """One execution per message; a message is deleted when its execution succeeded and stays otherwise."""

    pipe_name: str
    log_group_name: str
    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: WorkflowPipeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:WorkflowPipe", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        context = args.context
        self.pipe_name = context.name("pipe")
        self.log_group_name = f"/aws/vendedlogs/pipes/{self.pipe_name}"

        log_group = aws.cloudwatch.LogGroup(
            name,
            name=self.log_group_name,
            retention_in_days=args.log_retention_days,
            kms_key_id=context.key_arn,
            tags=context.tags,
            opts=child,
        )
        role = ServiceRole(
            name,
            ServiceRoleArgs(
                context=context,
                role_name=self.pipe_name,
                description="Takes messages from the transform queue and runs the workflow on them",
                service="pipes.amazonaws.com",
                source_arn=context.arn("pipes", f"pipe/{self.pipe_name}"),
                statements=[
                    allow(
                        "TakeMessages",
                        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                        [args.queue.arn],
                        why="Takes a file's message, and deletes it when its workflow has ended well",
                    ),
                    allow(
                        "RunWorkflow",
                        ["states:StartSyncExecution"],
                        [args.state_machine_arn],
                        why="Runs the workflow on the message and waits for its outcome",
                    ),
                    write_logs(log_group.arn),
                    *use_key(context, ["kms:Decrypt"], ["sqs"]),
                ],
            ),
            child,
        )
        aws.pipes.Pipe(
            name,
            name=self.pipe_name,
            description="Transform queue to workflow, one file at a time",
            role_arn=role.arn,
            source=args.queue.arn,
            source_parameters={"sqs_queue_parameters": {"batch_size": 1}},
            target=args.state_machine_arn,
            target_parameters={
                "input_template": INPUT_TEMPLATE,
                # Waiting is what leaves a failed message on the queue; FIRE_AND_FORGET would delete it at once.
                "step_function_state_machine_parameters": {"invocation_type": "REQUEST_RESPONSE"},
            },
            log_configuration={
                "level": "ERROR",
                "cloudwatch_logs_log_destination": {"log_group_arn": log_group.arn},
            },
            desired_state="RUNNING",
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
        self.role_arn = role.arn
        self.register_outputs({"pipe_name": self.pipe_name, "role_arn": self.role_arn})
