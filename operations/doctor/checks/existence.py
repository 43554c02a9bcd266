"""Whether the resources that the stack's outputs name exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from client.errors import is_missing
from client.pipeline import Pipeline
from operations.doctor.findings import Finding, fail, ok, redeploy

Client = Callable[[str], Any]


def _bucket(client: Client, name: str) -> object:
    return client("s3").head_bucket(Bucket=name)


def _queue(client: Client, url: str) -> object:
    return client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])


def _topic(client: Client, arn: str) -> object:
    return client("sns").get_topic_attributes(TopicArn=arn)


def _secret(client: Client, arn: str) -> object:
    return client("secretsmanager").describe_secret(SecretId=arn)


def _table(client: Client, name: str) -> object:
    return client("dynamodb").describe_table(TableName=name)


def _pipe(client: Client, name: str) -> object:
    return client("pipes").describe_pipe(Name=name)


def _state_machine(client: Client, arn: str) -> object:
    return client("stepfunctions").describe_state_machine(stateMachineArn=arn)


def _function(client: Client, name: str) -> object:
    return client("lambda").get_function_configuration(FunctionName=name)


def _role(client: Client, arn: str) -> object:
    return client("iam").get_role(RoleName=arn.rpartition("/")[2])


# Log groups and alarms have checks of their own, which list them.
_KINDS: dict[str, Callable[[Client, str], object]] = {
    "ingestBucket": _bucket,
    "processedBucket": _bucket,
    "transformQueueUrl": _queue,
    "transformDlqUrl": _queue,
    "validateDlqUrl": _queue,
    "deliveryDlqUrl": _queue,
    "pipeName": _pipe,
    "stateMachineArn": _state_machine,
    "assetsTable": _table,
    "jobsTable": _table,
    "denylistTable": _table,
    "resultsTopicArn": _topic,
    "resultsQueueUrls": _queue,
    "resultsDlqUrls": _queue,
    "webhooksQueueUrl": _queue,
    "webhooksDlqUrl": _queue,
    "webhooksSecretArn": _secret,
    "orderStateMachineArn": _state_machine,
    "orderQueueUrl": _queue,
    "orderDlqUrl": _queue,
    "ordersTable": _table,
    "failedOrdersTable": _table,
    "alertTopicArn": _topic,
    "functionNames": _function,
    "roleArns": _role,
}


def resources_exist(pipeline: Pipeline) -> Iterator[Finding]:
    """Every resource that the stack's outputs name can be found."""
    found = 0
    exported = pipeline.outputs.exports()
    for name, describe in _KINDS.items():
        value = exported[name]
        for resource in filter(None, value.values() if isinstance(value, dict) else [value]):
            try:
                describe(pipeline.client, resource)
                found += 1
            except ClientError as error:
                if not is_missing(error):
                    raise
                yield fail(
                    f"{name} names {resource}, which does not exist",
                    f"find in CloudTrail who deleted it; then img-pipeline refresh --stack {pipeline.stack}, "
                    f"and {redeploy(pipeline)}",
                )
    yield ok(f"{found} resources")
