"""Stateful resources: buckets, tables, topics, logs; protected in prod, deletable elsewhere."""

import json

import pytest

from policies.recording import ACCOUNT_ID, Recording, Resource, run

BUCKET = "aws:s3/bucket:Bucket"
TABLE = "aws:dynamodb/table:Table"


def stateful(recording: Recording) -> list[Resource]:
    dead_letters = [
        queue for queue in recording.of_type("aws:sqs/queue:Queue") if queue.inputs["name"].endswith("-dlq")
    ]
    audit = recording.one("LogGroup", name=f"img-pipeline-{recording.stack}-audit")
    keys = recording.of_type("aws:kms/key:Key")
    pools = recording.of_type("aws:cognito/userPool:UserPool")
    return [*recording.of_type(BUCKET), *recording.of_type(TABLE), *pools, *keys, *dead_letters, audit]


def of_bucket(recording: Recording, resource_type: str, bucket: Resource) -> Resource:
    return recording.one(resource_type, bucket=bucket.inputs["bucket"])


def test_buckets_have_versioning(recording: Recording) -> None:
    for bucket in recording.of_type(BUCKET):
        versioning = of_bucket(recording, "BucketVersioning", bucket).inputs
        assert versioning["versioningConfiguration"] == {"status": "Enabled"}


def test_buckets_have_access_logs_where_the_settings_name_a_bucket_for_them(full: Recording, prod: Recording) -> None:
    assert prod.of_type("BucketLogging") == []
    for bucket in full.of_type(BUCKET):
        logging = of_bucket(full, "BucketLogging", bucket).inputs
        assert logging["targetBucket"] == "company-access-logs"
        assert logging["targetPrefix"] == f"{bucket.inputs['bucket']}/"


def test_buckets_expire_old_versions_and_incomplete_uploads(recording: Recording) -> None:
    for bucket in recording.of_type(BUCKET):
        rules = of_bucket(recording, "BucketLifecycleConfiguration", bucket).inputs["rules"]
        assert all(rule["status"] == "Enabled" for rule in rules)
        assert any("noncurrentVersionExpiration" in rule for rule in rules)
        assert any("abortIncompleteMultipartUpload" in rule for rule in rules)


def test_uploads_and_renditions_are_kept_unless_the_settings_say_otherwise(dev: Recording, prod: Recording) -> None:
    def expiration_days(recording: Recording) -> list[float]:
        return [
            rule["expiration"]["days"]
            for lifecycle in recording.of_type("BucketLifecycleConfiguration")
            for rule in lifecycle.inputs["rules"]
            if "days" in rule.get("expiration", {})
        ]

    assert expiration_days(prod) == []
    assert expiration_days(dev) == [30, 30]


def test_lifecycle_rules_have_the_days_of_the_settings() -> None:
    days = {"incompleteUploadDays": 2, "oldVersionDays": 3, "uploadDays": 4, "renditionDays": 5}
    recording = run("dev", {"lifecycle": days})
    for bucket, expiration_days in (("ingest", 4), ("processed", 5)):
        name = f"img-pipeline-dev-{bucket}-{ACCOUNT_ID}"
        rules = recording.one("BucketLifecycleConfiguration", bucket=name).inputs["rules"]
        merged = {key: value for rule in rules for key, value in rule.items()}
        assert merged["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 2}
        assert merged["noncurrentVersionExpiration"] == {"noncurrentDays": 3}
        assert {"days": expiration_days} in [rule.get("expiration") for rule in rules]


def test_buckets_refuse_requests_without_tls_to_themselves_and_to_their_objects(recording: Recording) -> None:
    for bucket in recording.of_type(BUCKET):
        statements = json.loads(of_bucket(recording, "BucketPolicy", bucket).inputs["policy"])["Statement"]
        denied = [
            statement["Resource"]
            for statement in statements
            if statement["Effect"] == "Deny"
            and statement["Principal"] == "*"
            and "s3:*" in statement["Action"]
            and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        ]
        assert [sorted(resources) for resources in denied] == [[bucket.arn, f"{bucket.arn}/*"]]


def test_tables_can_be_restored(recording: Recording) -> None:
    prefix = f"img-pipeline-{recording.stack}-"
    tables = {table.inputs["name"].removeprefix(prefix) for table in recording.of_type(TABLE)}
    assert tables == {"assets", "jobs", "denylist", "orders", "failed-orders"}
    for table in recording.of_type(TABLE):
        assert table.inputs["pointInTimeRecovery"] == {"enabled": True}, table


@pytest.mark.parametrize(
    ("table", "hash_key", "indexes"),
    [
        (
            "jobs",
            "jobId",
            {
                "fileKey-index": ("fileKey", "createdAt", "ALL"),
                "status-index": ("status", "createdAt", "KEYS_ONLY"),
                "owner-index": ("owner", "createdAt", "INCLUDE"),
            },
        ),
        (
            "assets",
            "fileKey",
            {
                "owner-index": ("owner", "persistedAt", "KEYS_ONLY"),
                "shard-index": ("shard", "persistedAt", "KEYS_ONLY"),
            },
        ),
    ],
)
def test_tables_forget_by_themselves_and_are_listed_without_a_scan(
    recording: Recording, table: str, hash_key: str, indexes: dict[str, tuple[str, str, str]]
) -> None:
    inputs = recording.one(TABLE, name=f"img-pipeline-{recording.stack}-{table}").inputs
    assert inputs["hashKey"] == hash_key
    assert inputs["ttl"] == {"attributeName": "expiresAt", "enabled": True}
    found = {
        index["name"]: (*(key["attributeName"] for key in index["keySchemas"]), index["projectionType"])
        for index in inputs["globalSecondaryIndexes"]
    }
    assert found == indexes
    # DynamoDB refuses attributes that no key uses.
    keys = {hash_key, *(key for *both, _ in indexes.values() for key in both)}
    assert {attribute["name"] for attribute in inputs["attributes"]} == keys


def test_everything_that_runs_has_its_log_group(recording: Recording) -> None:
    groups = {group.inputs["name"]: group.inputs["retentionInDays"] for group in recording.of_type("LogGroup")}
    prefix = f"img-pipeline-{recording.stack}-"
    assert set(groups) == {
        *(f"/aws/lambda/{function.inputs['name']}" for function in recording.of_type("aws:lambda/function:Function")),
        f"/aws/vendedlogs/states/{prefix}state-machine",
        f"/aws/vendedlogs/states/{prefix}order-state-machine",
        f"/aws/vendedlogs/pipes/{prefix}pipe",
        f"/aws/vendedlogs/apigateway/{prefix}api",
        f"{prefix}audit",
    }
    assert groups[f"{prefix}audit"] >= 365, "who purged a queue is asked for long afterwards"


def test_prod_protects_and_retains_state(prod: Recording, full: Recording) -> None:
    for recording in (prod, full):
        for resource in stateful(recording):
            assert resource.protect, resource
            assert resource.retain_on_delete, resource
        assert all(table.inputs["deletionProtectionEnabled"] for table in recording.of_type(TABLE))
        assert not any(bucket.inputs["forceDestroy"] for bucket in recording.of_type(BUCKET))


def test_prod_protects_stateful_resources_only(prod: Recording) -> None:
    protected = {resource.urn for resource in prod.resources if resource.protect or resource.retain_on_delete}
    assert protected == {resource.urn for resource in stateful(prod)}


@pytest.mark.parametrize("stack", ["dev", "local"])
def test_dev_and_local_can_be_deleted(stack: str, request: pytest.FixtureRequest) -> None:
    recording: Recording = request.getfixturevalue(stack)
    assert not any(resource.protect or resource.retain_on_delete for resource in recording.resources)
    assert not any(table.inputs["deletionProtectionEnabled"] for table in recording.of_type(TABLE))
    assert all(bucket.inputs["forceDestroy"] for bucket in recording.of_type(BUCKET))


def test_every_resource_has_the_tags_of_the_settings(full: Recording) -> None:
    for resource in full.cloud_resources:
        if "tags" in resource.inputs:
            assert resource.inputs["tags"]["CostCentre"] == "media", resource
