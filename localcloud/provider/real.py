"""How the real provider `pulumi-resource-aws` reaches the embedded cloud: its configuration."""

from __future__ import annotations

from typing import Any

ENDPOINTS = {
    "apigatewayv2": "apigatewayv2",
    "budgets": "budgets",
    "cloudfront": "cloudfront",
    "cloudwatch": "cloudwatch",
    "cognito-idp": "cognitoidp",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "events": "events",
    "guardduty": "guardduty",
    "iam": "iam",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "pipes": "pipes",
    "s3": "s3",
    "s3control": "s3control",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "stepfunctions": "sfn",
    "sts": "sts",
    "wafv2": "wafv2",
}
"""The services that the program's resources are of, as boto3 names them, and their endpoints' names in the provider's
configuration. A service that is missing here would be called on AWS."""


def provider_settings(endpoint_url: str, account_id: str, region: str) -> dict[str, Any]:
    """The provider's configuration for a stack's file.

    Args:
        endpoint_url: the embedded cloud.
        account_id: twelve digits, which the embedded cloud takes as the access key of the account's root user.
        region: of every resource.

    Returns:
        Values by key of the stack's configuration, such as `aws:endpoints`.
    """
    return {
        "aws:region": region,
        "aws:accessKey": account_id,
        "aws:secretKey": "test",
        # There is no instance whose metadata service could be asked for credentials.
        "aws:skipMetadataApiCheck": True,
        "aws:s3UsePathStyle": True,
        "aws:endpoints": [dict.fromkeys(ENDPOINTS.values(), endpoint_url)],
    }
