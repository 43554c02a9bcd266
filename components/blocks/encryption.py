"""The customer-managed KMS key of a stack."""

from collections.abc import Collection
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.iam import allow_service, policy_document
from components.blocks.log_groups import all_log_groups
from components.stack_context import StackContext


@dataclass(frozen=True, kw_only=True)
class EncryptionArgs:
    """What uses the key.

    Attributes:
        context: the stack.
        functions: short names of its Lambda functions, whose log groups the key encrypts.
        budget: whether AWS Budgets publishes to the alert topic.
        distribution: whether CloudFront reads from buckets.
    """

    context: StackContext
    functions: Collection[str]
    budget: bool
    distribution: bool


class Encryption(pulumi.ComponentResource):
    """One key for buckets, queues, tables, topics and logs, and the services that its policy allows."""

    key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: EncryptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Encryption", name, None, opts)
        context = args.context
        key = aws.kms.Key(
            name,
            description=f"Data of the stack {context.stack} of img-pipeline",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=_key_policy(args),
            tags=context.tags,
            opts=context.state_options(self),
        )
        aws.kms.Alias(
            name,
            name=f"alias/{context.name('data')}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.key_arn = key.arn
        self.register_outputs({"key_arn": self.key_arn})


def _key_policy(args: EncryptionArgs) -> pulumi.Output[str]:
    context = args.context
    this_account = {"StringEquals": {"aws:SourceAccount": context.account_id}}
    distributions = f"arn:{context.partition}:cloudfront::{context.account_id}:distribution/*"
    log_groups = [context.arn("logs", f"log-group:{name}") for name in all_log_groups(context, args.functions)]
    return policy_document(
        [
            # Without this statement the key policy could not be changed ("Key policies in AWS KMS").
            {
                "Sid": "AccountDecidesByIam",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{context.partition}:iam::{context.account_id}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            # EventBridge sends to the transform queue, SNS to subscribers' queues, alarms to the alert topic.
            *(
                allow_service(sid, service, ["kms:Decrypt", "kms:GenerateDataKey*"], "*", this_account)
                for sid, service in (
                    ("EventBridge", "events.amazonaws.com"),
                    ("Sns", "sns.amazonaws.com"),
                    ("CloudWatchAlarms", "cloudwatch.amazonaws.com"),
                    *([("Budgets", "budgets.amazonaws.com")] if args.budget else []),
                )
            ),
            # A policy that named the distribution would need it first ("Restrict access to an Amazon S3 origin").
            *(
                [
                    allow_service(
                        "CloudFront",
                        "cloudfront.amazonaws.com",
                        ["kms:Decrypt"],
                        "*",
                        {"ArnLike": {"aws:SourceArn": distributions}},
                    )
                ]
                if args.distribution
                else []
            ),
            # The encryption context is the log group's ARN. Exact names: a pattern such as img-pipeline-{stack}-* also
            # matches the log groups of a stack called {stack}-eu.
            allow_service(
                "Logs",
                f"logs.{context.region}.amazonaws.com",
                ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
                "*",
                {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
            ),
        ]
    )
