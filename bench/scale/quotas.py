"""The quotas that a rate of uploads can reach, each with the page of AWS's documentation that names it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Adjustable(StrEnum):
    """Whether AWS raises a quota."""

    YES = "yes"
    NO = "no"
    PARTITIONS = "by itself, by splitting"
    SUPPORT = "by a support case"


@dataclass(frozen=True, kw_only=True)
class Quota:
    """One quota of an account in us-east-1.

    Attributes:
        name: what it limits.
        limit: its default.
        unit: what `limit` counts.
        adjustable: whether AWS raises it.
        source: the title of the page.
        doubt: what could not be checked; empty if the page itself was read in 2026.
    """

    name: str
    limit: float
    unit: str
    adjustable: Adjustable
    source: str
    doubt: str = ""


S3_WRITES = Quota(
    name="S3 writes",
    limit=3_500,
    unit="PUTs a second and partition of the prefix",
    adjustable=Adjustable.PARTITIONS,
    source="Best practices design patterns: optimizing Amazon S3 performance",
    doubt="read in AWS's knowledge center; S3 answers 503 while it splits, which takes 30 to 60 minutes",
)
S3_READS = Quota(
    name="S3 reads",
    limit=5_500,
    unit="GETs a second and partition of the prefix",
    adjustable=Adjustable.PARTITIONS,
    source="Best practices design patterns: optimizing Amazon S3 performance",
    doubt="as for writes",
)
EVENT_INVOCATIONS = Quota(
    name="EventBridge invocations",
    limit=18_750,
    unit="events a second that a rule sends on",
    adjustable=Adjustable.YES,
    source="Amazon EventBridge quotas",
)
QUEUE_IN_FLIGHT = Quota(
    name="SQS messages in flight",
    limit=120_000,
    unit="messages of one queue",
    adjustable=Adjustable.SUPPORT,
    source="Amazon SQS standard queue quotas",
)
PIPE_BATCHES = Quota(
    name="Batches of one pipe",
    limit=1_000,
    unit="batches at a time",
    adjustable=Adjustable.NO,
    source="Amazon Simple Queue Service as a source (EventBridge Pipes)",
    doubt="the text of 2023, which also has the start at 5 and the growth by 60 a minute",
)
PIPE_EXECUTIONS = Quota(
    name="Concurrent pipe executions",
    limit=3_000,
    unit="batches at a time of all pipes",
    adjustable=Adjustable.SUPPORT,
    source="Amazon EventBridge quotas, EventBridge Pipes quotas",
    doubt="3,000 in us-east-1, us-west-2 and eu-west-1; 1,000 elsewhere",
)
LAMBDA_CONCURRENCY = Quota(
    name="Lambda concurrency",
    limit=1_000,
    unit="environments of all functions",
    adjustable=Adjustable.YES,
    source="Lambda quotas",
    doubt="new accounts may have less",
)
LAMBDA_GROWTH = Quota(
    name="Lambda growth",
    limit=1_000,
    unit="environments of one function in ten seconds",
    adjustable=Adjustable.NO,
    source="Lambda scaling behavior",
)
TABLE_WRITES = Quota(
    name="DynamoDB writes of a table",
    limit=40_000,
    unit="write units a second of an on-demand table, and of each index",
    adjustable=Adjustable.YES,
    source="Quotas in Amazon DynamoDB",
)
NEW_TABLE_WRITES = Quota(
    name="DynamoDB writes of a new table",
    limit=4_000,
    unit="write units a second until it has grown",
    adjustable=Adjustable.YES,
    source="Understanding DynamoDB warm throughput in different scenarios",
    doubt="raised by the table's own setting WarmThroughput; later it doubles in 30 minutes",
)
PARTITION_WRITES = Quota(
    name="DynamoDB writes of one key",
    limit=1_000,
    unit="write units a second of one partition, of a table or an index",
    adjustable=Adjustable.NO,
    source="Understanding DynamoDB warm throughput in different scenarios",
)
TOPIC_MESSAGES = Quota(
    name="SNS messages",
    limit=30_000,
    unit="messages a second of all topics",
    adjustable=Adjustable.YES,
    source="Amazon Simple Notification Service endpoints and quotas",
    doubt="9,000 in us-west-2 and eu-west-1, less elsewhere; read in copies of the page",
)
API_CALLS = Quota(
    name="API Gateway calls",
    limit=10_000,
    unit="calls a second of all APIs",
    adjustable=Adjustable.YES,
    source="Amazon API Gateway quotas",
    doubt="2,500 in newer Regions",
)

QUOTAS = (
    API_CALLS,
    S3_WRITES,
    S3_READS,
    EVENT_INVOCATIONS,
    QUEUE_IN_FLIGHT,
    PIPE_BATCHES,
    PIPE_EXECUTIONS,
    LAMBDA_CONCURRENCY,
    LAMBDA_GROWTH,
    TABLE_WRITES,
    NEW_TABLE_WRITES,
    PARTITION_WRITES,
    TOPIC_MESSAGES,
)
"""In the order of a file's way."""

PIPE_FIRST_BATCHES, PIPE_GROWTH_PER_MINUTE = 5, 60
"""How a pipe begins, and what it adds while messages wait; the source is that of `PIPE_BATCHES`."""

EXPRESS = (
    "Step Functions has no quota for StartSyncExecution: it adds capacity under sustained load, and may throttle a "
    "sudden rise meanwhile (Step Functions service quotas). A throttled message stays on the queue."
)
