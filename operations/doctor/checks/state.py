"""Whether stored data is protected: tables, buckets, logs, and encryption at rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from botocore.exceptions import ClientError

from client.dead_letters.stack_queues import dead_letter_queues
from client.pipeline import Pipeline
from operations.doctor.findings import Finding, fail, ok, redeploy, warn

# The TTL attribute of the tables of jobs and orders.
TIME_TO_LIVE_ATTRIBUTE = "expiresAt"
PUBLIC_ACCESS_BLOCK = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# The key that AWS manages for SNS, which the results topic has unless the stack has a key of its own.
SNS_MANAGED_KEY = "alias/aws/sns"


def tables_can_be_restored(pipeline: Pipeline) -> Iterator[Finding]:
    """Every table is active and can be restored to any second of the last weeks."""
    dynamodb = pipeline.client("dynamodb")
    outputs = pipeline.outputs
    of_orders = filter(None, (outputs.orders_table, outputs.failed_orders_table))
    for table in (outputs.assets_table, outputs.jobs_table, outputs.denylist_table, *of_orders):
        description = dynamodb.describe_table(TableName=table)["Table"]
        indexes = description.get("GlobalSecondaryIndexes", [])
        states = {description["TableStatus"], *(index["IndexStatus"] for index in indexes)}
        if states != {"ACTIVE"}:
            yield warn(f"{table} is {', '.join(sorted(states))}", "wait until it is ACTIVE, then run this again")
        backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED":
            yield ok(f"{table} has point-in-time recovery")
        else:
            yield fail(f"{table} cannot be restored: point-in-time recovery is off", redeploy(pipeline))


def rows_expire(pipeline: Pipeline) -> Iterator[Finding]:
    """DynamoDB removes the rows of old jobs and orders."""
    for table in filter(None, (pipeline.outputs.jobs_table, pipeline.outputs.orders_table)):
        ttl = pipeline.client("dynamodb").describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING") and ttl.get("AttributeName") == TIME_TO_LIVE_ATTRIBUTE:
            yield ok(f"{table} by {TIME_TO_LIVE_ATTRIBUTE}")
        else:
            yield fail(
                f"{table} never deletes rows: time to live is off for {TIME_TO_LIVE_ATTRIBUTE}", redeploy(pipeline)
            )


def buckets_are_private(pipeline: Pipeline) -> Iterator[Finding]:
    """No bucket can be made public."""
    for bucket in _buckets(pipeline):
        if all(_public_access_block(pipeline, bucket).get(part) for part in PUBLIC_ACCESS_BLOCK):
            yield ok(f"{bucket} blocks public access")
        else:
            yield fail(f"{bucket} does not block all public access", redeploy(pipeline))


def buckets_keep_versions(pipeline: Pipeline) -> Iterator[Finding]:
    """Every bucket has versioning: the workflow reads the exact version that an event names."""
    for bucket in _buckets(pipeline):
        if pipeline.client("s3").get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled":
            yield ok(f"{bucket} has versioning")
        else:
            yield fail(f"{bucket} has no versioning, so an upload that is overwritten is lost", redeploy(pipeline))


def everything_is_encrypted(pipeline: Pipeline) -> Iterator[Finding]:
    """Buckets, queues and the results topic are encrypted; where one has the stack's own key, all have it."""
    topic = pipeline.client("sns").get_topic_attributes(TopicArn=pipeline.outputs.results_topic_arn)["Attributes"]
    topic_key = topic.get("KmsMasterKeyId", "")
    if not topic_key:
        yield fail("the results topic is not encrypted", redeploy(pipeline))
    own_key = "" if topic_key == SNS_MANAGED_KEY else topic_key
    for bucket in _buckets(pipeline):
        # S3 encrypts every object; the question is with which key.
        (rule,) = pipeline.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"][
            "Rules"
        ]
        if rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID", "") != own_key:
            yield fail(f"{bucket} is not encrypted with {own_key or 'the key that S3 manages'}", redeploy(pipeline))
    dead_letters = (queue.url for queue in dead_letter_queues(pipeline))
    for url in (*pipeline.outputs.queue_urls, *dead_letters):
        name = url.rpartition("/")[2]
        attributes = pipeline.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["SqsManagedSseEnabled", "KmsMasterKeyId"]
        )["Attributes"]
        if attributes.get("KmsMasterKeyId", "") != own_key:
            yield fail(f"{name} is not encrypted with {own_key or 'the key that SQS manages'}", redeploy(pipeline))
        elif not own_key and attributes.get("SqsManagedSseEnabled") != "true":
            yield fail(f"{name} is not encrypted", redeploy(pipeline))
    yield ok(f"buckets, queues and results topic, with {own_key or 'keys that AWS manages'}")


def logs_expire(pipeline: Pipeline) -> Iterator[Finding]:
    """Every log group exists and has a retention period."""
    for group in pipeline.outputs.log_groups.values():
        found = pipeline.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        description = next((each for each in found if each["logGroupName"] == group), None)
        if description is None:
            yield fail(f"the log group {group} does not exist", redeploy(pipeline))
        elif "retentionInDays" not in description:
            yield warn(
                f"{group} has no retention period: its events never expire, and their storage is charged",
                redeploy(pipeline),
            )
        else:
            yield ok(f"{group} after {description['retentionInDays']} days")


def _buckets(pipeline: Pipeline) -> tuple[str, str]:
    return pipeline.outputs.ingest_bucket, pipeline.outputs.processed_bucket


def _public_access_block(pipeline: Pipeline, bucket: str) -> Mapping[str, bool]:
    try:
        return pipeline.client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchPublicAccessBlockConfiguration":
            return {}
        raise
