"""Handlers of the program's Pulumi resource types in the embedded cloud: one module per service."""

from localcloud.resources import (  # noqa: F401 (importing a module registers its handlers)
    apigatewayv2,
    budgets,
    cloudfront,
    cloudwatch,
    cognito,
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
    secretsmanager,
    sns,
    sqs,
    stepfunctions,
    wafv2,
)
