"""A function that takes messages from a queue in batches, and reports each message that it could not handle."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.function import Function
from components.blocks.iam import Statement, allow


@dataclass(frozen=True, kw_only=True)
class ConsumerArgs:
    """`max_concurrency` is how many batches are handled at the same time, at least 2."""

    queue_arn: pulumi.Input[str]
    function: Function
    batch_size: int
    max_concurrency: int
    tags: Mapping[str, str]


def consume(name: str, args: ConsumerArgs, parent: pulumi.Resource) -> None:
    """Have Lambda call the function for the queue's messages. The function's role needs `take_messages`."""
    aws.lambda_.EventSourceMapping(
        name,
        event_source_arn=args.queue_arn,
        function_name=args.function.alias_arn,
        batch_size=args.batch_size,
        function_response_types=["ReportBatchItemFailures"],
        scaling_config={"maximum_concurrency": args.max_concurrency},
        tags=args.tags,
        # Lambda checks that the role may take messages, so its policy has to be there.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[args.function]),
    )


_LAMBDA_TAKES = "Lambda takes messages from the queue for the function"


def take_messages(queue_arn: pulumi.Input[str], why: str = _LAMBDA_TAKES) -> Statement:
    """Permission to poll the queue, which Lambda does with the function's role ("Using Lambda with Amazon SQS")."""
    return allow(
        "TakeMessages",
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        [queue_arn],
        why=why,
    )
