"""Calls of CloudWatch over the query protocol."""

from __future__ import annotations

import urllib.parse
import urllib.request
from typing import Any

from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from localcloud.emulator import Emulator

COMPARISON = {"EvaluationPeriods": 3, "Threshold": 1.5, "ComparisonOperator": "GreaterThanThreshold"}
"""Required fields of every alarm."""


def call_by_query(cloud: Emulator, operation: str, **arguments: Any) -> dict[str, Any]:
    """Call CloudWatch with the query protocol, which boto3 does not use for it."""
    client = cloud.client("cloudwatch")
    model = client.meta.service_model.operation_model(operation)
    request = create_serializer("query").serialize_to_request(arguments, model)
    body = urllib.parse.urlencode(request["body"])
    scope = f"Credential={cloud.account_id}/20260101/{cloud.region}/monitoring/aws4_request"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
    }
    with urllib.request.urlopen(  # noqa: S310 (the embedded cloud, over HTTP)
        urllib.request.Request(cloud.endpoint_url, body.encode(), headers)  # noqa: S310
    ) as answer:
        response = {"body": answer.read(), "headers": dict(answer.headers), "status_code": answer.status}
    return create_parser("query").parse(response, model.output_shape)
