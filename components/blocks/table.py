"""A DynamoDB table with its indexes, and the alarm on its throttles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.blocks.monitoring import FIVE_MINUTES, Alarm, Metric
from components.stack_context import StackContext


@dataclass(frozen=True, kw_only=True)
class Index:
    """A global secondary index of a table.

    `included` are the attributes that it holds beside the keys.
    """

    name: str
    hash_key: str
    range_key: str
    projection: Literal["ALL", "KEYS_ONLY", "INCLUDE"]
    included: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class TableArgs:
    """`key` is the hash key, a text; `time_to_live` the attribute with the time when a row is deleted."""

    context: StackContext
    table_name: str
    key: str
    indexes: Sequence[Index] = ()
    time_to_live: str | None = None


def create_table(name: str, args: TableArgs, parent: pulumi.Resource) -> aws.dynamodb.Table:
    """Create an on-demand table with point-in-time recovery, encrypted with the stack's key."""
    keys = {args.key, *(attribute for index in args.indexes for attribute in (index.hash_key, index.range_key))}
    return aws.dynamodb.Table(
        name,
        name=args.table_name,
        billing_mode="PAY_PER_REQUEST",
        hash_key=args.key,
        attributes=[{"name": attribute, "type": "S"} for attribute in sorted(keys)],
        global_secondary_indexes=[_index(index) for index in args.indexes] or None,
        ttl={"attribute_name": args.time_to_live, "enabled": True} if args.time_to_live else None,
        point_in_time_recovery={"enabled": True},
        server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
            enabled=True, kms_key_arn=args.context.key_arn
        ),
        deletion_protection_enabled=args.context.protect_state,
        tags=args.context.tags,
        opts=args.context.state_options(parent),
    )


def table_metric(table_name: str, name: str) -> Metric:
    """A metric that DynamoDB publishes about a table."""
    return Metric(namespace="AWS/DynamoDB", name=name, statistic="Sum", dimensions={"TableName": table_name})


def throttle_alarm(role: str, table_name: str, consequence: str) -> Alarm:
    """The alarm on throttled reads and writes; `consequence` says what becomes of them."""
    return Alarm(
        name=f"{role}-throttles",
        meaning=f"DynamoDB throttles reads or writes of {table_name}; {consequence}.",
        command=f"aws dynamodb describe-table --table-name {table_name}",
        metrics={
            "reads": table_metric(table_name, "ReadThrottleEvents"),
            "writes": table_metric(table_name, "WriteThrottleEvents"),
        },
        expression="FILL(reads,0)+FILL(writes,0)",
        threshold=0,
        period_seconds=FIVE_MINUTES,
    )


def index_arn(table_arn: pulumi.Input[str], index_name: str) -> pulumi.Output[str]:
    """The ARN of a table's index."""
    return pulumi.Output.concat(table_arn, f"/index/{index_name}")


def _index(index: Index) -> aws.dynamodb.TableGlobalSecondaryIndexArgs:
    return aws.dynamodb.TableGlobalSecondaryIndexArgs(
        name=index.name,
        projection_type=index.projection,
        non_key_attributes=list(index.included) or None,
        key_schemas=[
            aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=attribute, key_type=key_type)
            for attribute, key_type in ((index.hash_key, "HASH"), (index.range_key, "RANGE"))
        ],
    )
