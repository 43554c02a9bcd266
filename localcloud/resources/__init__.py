"""Handlers of the program's Pulumi resource types in the embedded cloud: one module per service."""

from localcloud.resources import (  # noqa: F401 (importing a module registers its handlers)
    budgets,
    cloudwatch,
    dynamodb,
    ec2,
    events,
    guardduty,
    iam,
    kms,
    lambda_,
    logs,
    pipes,
    s3,
    sns,
    sqs,
    stepfunctions,
)
