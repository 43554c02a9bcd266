"""S3: buckets, their settings, and objects."""

from __future__ import annotations

import contextlib
import urllib.parse
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pulumi import Asset
from pydantic import Field

from localcloud.resources import tags as tag_apis
from localcloud.resources.archives import asset_bytes
from localcloud.resources.base import (
    Cloud,
    Created,
    Properties,
    Resource,
    TaggedResource,
    camel_case,
    given,
    handles,
    pascal_case,
    tag_list,
)


@handles("aws:s3/bucket:Bucket")
class Bucket(TaggedResource):
    """A bucket; its settings are separate resources."""

    generated_name: ClassVar = "bucket"
    identity: ClassVar = ("bucket",)
    fixed: ClassVar = ("object_lock_enabled",)
    tag_api: ClassVar = tag_apis.S3_BUCKET

    bucket: str
    force_destroy: bool = False
    object_lock_enabled: bool = False

    def create(self, cloud: Cloud) -> Created:
        s3 = cloud.client("s3")
        # us-east-1 is the default and must be omitted.
        elsewhere = {"LocationConstraint": cloud.region} if cloud.region != "us-east-1" else None
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(
                Bucket=self.bucket,
                ObjectLockEnabledForBucket=self.object_lock_enabled,
                **given(CreateBucketConfiguration=elsewhere),
            )
        if self.tags:
            s3.put_bucket_tagging(Bucket=self.bucket, Tagging={"TagSet": tag_list(self.tags)})
        return Created(
            self.bucket,
            {
                "arn": f"arn:aws:s3:::{self.bucket}",
                "bucketDomainName": f"{self.bucket}.s3.amazonaws.com",
                "bucketRegionalDomainName": f"{self.bucket}.s3.{cloud.region}.amazonaws.com",
                "bucketRegion": cloud.region,
                "region": cloud.region,
            },
        )

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        cloud.client("s3").head_bucket(Bucket=resource_id)
        return self

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        s3 = cloud.client("s3")
        if self.force_destroy:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=resource_id):
                for version in page.get("Versions", []) + page.get("DeleteMarkers", []):
                    s3.delete_object(Bucket=resource_id, Key=version["Key"], VersionId=version["VersionId"])
        s3.delete_bucket(Bucket=resource_id)


class VersioningConfiguration(Properties):
    status: str
    mfa_delete: str | None = None


@handles("aws:s3/bucketVersioning:BucketVersioning")
class BucketVersioning(Resource):
    identity: ClassVar = ("bucket",)

    bucket: str
    versioning_configuration: VersioningConfiguration

    def create(self, cloud: Cloud) -> Created:
        wanted = self.versioning_configuration
        cloud.client("s3").put_bucket_versioning(
            Bucket=self.bucket, VersioningConfiguration=given(Status=wanted.status, MFADelete=wanted.mfa_delete)
        )
        return Created(self.bucket, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("s3").get_bucket_versioning(Bucket=resource_id)
        return self.with_actual_values(versioning_configuration={"status": found.get("Status", "Disabled")})

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        """Do nothing: versioning cannot be removed from a bucket."""
        cloud.client("s3").put_bucket_versioning(Bucket=resource_id, VersioningConfiguration={"Status": "Suspended"})


@handles("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
class BucketPublicAccessBlock(Resource):
    identity: ClassVar = ("bucket",)

    bucket: str
    block_public_acls: bool = False
    block_public_policy: bool = False
    ignore_public_acls: bool = False
    restrict_public_buckets: bool = False

    def create(self, cloud: Cloud) -> Created:
        cloud.client("s3").put_public_access_block(
            Bucket=self.bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": self.block_public_acls,
                "BlockPublicPolicy": self.block_public_policy,
                "IgnorePublicAcls": self.ignore_public_acls,
                "RestrictPublicBuckets": self.restrict_public_buckets,
            },
        )
        return Created(self.bucket, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("s3").get_public_access_block(Bucket=resource_id)["PublicAccessBlockConfiguration"]
        return self.with_actual_values(
            block_public_acls=found["BlockPublicAcls"],
            block_public_policy=found["BlockPublicPolicy"],
            ignore_public_acls=found["IgnorePublicAcls"],
            restrict_public_buckets=found["RestrictPublicBuckets"],
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("s3").delete_public_access_block(Bucket=resource_id)


class EncryptionDefault(Properties):
    sse_algorithm: str
    kms_master_key_id: str | None = None


class EncryptionRule(Properties):
    apply_server_side_encryption_by_default: EncryptionDefault
    bucket_key_enabled: bool | None = None


@handles("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
class BucketServerSideEncryptionConfiguration(Resource):
    identity: ClassVar = ("bucket",)

    bucket: str
    rules: list[EncryptionRule]

    def create(self, cloud: Cloud) -> Created:
        cloud.client("s3").put_bucket_encryption(
            Bucket=self.bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [
                    given(
                        ApplyServerSideEncryptionByDefault=given(
                            SSEAlgorithm=rule.apply_server_side_encryption_by_default.sse_algorithm,
                            KMSMasterKeyID=rule.apply_server_side_encryption_by_default.kms_master_key_id,
                        ),
                        BucketKeyEnabled=rule.bucket_key_enabled,
                    )
                    for rule in self.rules
                ]
            },
        )
        return Created(self.bucket, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("s3").get_bucket_encryption(Bucket=resource_id)["ServerSideEncryptionConfiguration"]
        return self.with_actual_values(
            rules=[
                given(
                    applyServerSideEncryptionByDefault=given(
                        sseAlgorithm=rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"],
                        kmsMasterKeyId=rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID"),
                    ),
                    bucketKeyEnabled=rule.get("BucketKeyEnabled"),
                )
                for rule in found["Rules"]
            ]
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("s3").delete_bucket_encryption(Bucket=resource_id)


@handles("aws:s3/bucketPolicy:BucketPolicy")
class BucketPolicy(Resource):
    identity: ClassVar = ("bucket",)

    bucket: str
    policy: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("s3").put_bucket_policy(Bucket=self.bucket, Policy=self.policy)
        return Created(self.bucket, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        return self.with_actual_values(policy=cloud.client("s3").get_bucket_policy(Bucket=resource_id)["Policy"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("s3").delete_bucket_policy(Bucket=resource_id)


class LifecycleFilterAnd(Properties):
    prefix: str | None = None
    tags: Mapping[str, str] = {}
    object_size_greater_than: int | None = None
    object_size_less_than: int | None = None


class LifecycleFilter(Properties):
    prefix: str | None = None
    tag: dict[str, str] | None = None
    object_size_greater_than: int | None = None
    object_size_less_than: int | None = None
    and_: LifecycleFilterAnd | None = Field(default=None, alias="and")

    def request(self) -> dict[str, Any]:
        both = self.and_ and given(
            Prefix=self.and_.prefix,
            Tags=tag_list(self.and_.tags) or None,
            ObjectSizeGreaterThan=self.and_.object_size_greater_than,
            ObjectSizeLessThan=self.and_.object_size_less_than,
        )
        return given(
            Prefix=self.prefix,
            Tag=self.tag and pascal_case(self.tag),
            ObjectSizeGreaterThan=self.object_size_greater_than,
            ObjectSizeLessThan=self.object_size_less_than,
            And=both,
        )


class LifecycleRule(Properties):
    id: str
    status: str
    filter: LifecycleFilter = LifecycleFilter()
    abort_incomplete_multipart_upload: dict[str, Any] | None = None
    expiration: dict[str, Any] | None = None
    noncurrent_version_expiration: dict[str, Any] | None = None
    noncurrent_version_transitions: list[dict[str, Any]] | None = None
    transitions: list[dict[str, Any]] | None = None

    def request(self) -> dict[str, Any]:
        return given(
            ID=self.id,
            Status=self.status,
            # An empty prefix applies to every object.
            Filter=self.filter.request() or {"Prefix": ""},
            AbortIncompleteMultipartUpload=pascal_case(self.abort_incomplete_multipart_upload),
            Expiration=pascal_case(self.expiration),
            NoncurrentVersionExpiration=pascal_case(self.noncurrent_version_expiration),
            NoncurrentVersionTransitions=pascal_case(self.noncurrent_version_transitions),
            Transitions=pascal_case(self.transitions),
        )


@handles("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
class BucketLifecycleConfiguration(Resource):
    identity: ClassVar = ("bucket",)

    bucket: str
    rules: list[LifecycleRule]

    def create(self, cloud: Cloud) -> Created:
        cloud.client("s3").put_bucket_lifecycle_configuration(
            Bucket=self.bucket, LifecycleConfiguration={"Rules": [rule.request() for rule in self.rules]}
        )
        return Created(self.bucket, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        """Compare rules by id and status only: their details can be written in several equivalent ways."""
        found = cloud.client("s3").get_bucket_lifecycle_configuration(Bucket=resource_id)["Rules"]
        real = {rule["ID"]: {"id": rule["ID"], "status": rule["Status"]} for rule in found}
        kept = [rule for rule in self.rules if real.get(rule.id, {}).get("status") == rule.status]
        foreign = [real[name] for name in real.keys() - {rule.id for rule in kept}]
        return self.with_actual_values(rules=[*(rule.model_dump(by_alias=True) for rule in kept), *foreign])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("s3").delete_bucket_lifecycle(Bucket=resource_id)


@handles("aws:s3/bucketLogging:BucketLogging")
class BucketLogging(Resource):
    """Where S3 would write the bucket's access logs: the embedded cloud keeps the setting and writes none."""

    identity: ClassVar = ("bucket",)

    bucket: str
    target_bucket: str
    target_prefix: str

    def create(self, cloud: Cloud) -> Created:
        target = {"TargetBucket": self.target_bucket, "TargetPrefix": self.target_prefix}
        cloud.client("s3").put_bucket_logging(Bucket=self.bucket, BucketLoggingStatus={"LoggingEnabled": target})
        return Created(self.bucket, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("s3").get_bucket_logging(Bucket=resource_id).get("LoggingEnabled", {})
        return self.with_actual_values(target_bucket=found.get("TargetBucket"), target_prefix=found.get("TargetPrefix"))

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("s3").put_bucket_logging(Bucket=resource_id, BucketLoggingStatus={})


class CorsRule(Properties):
    allowed_origins: list[str]
    allowed_methods: list[str]
    allowed_headers: list[str] | None = None
    expose_headers: list[str] | None = None
    max_age_seconds: int | None = None


@handles("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration")
class BucketCorsConfiguration(Resource):
    identity: ClassVar = ("bucket",)

    bucket: str
    cors_rules: list[CorsRule]

    def create(self, cloud: Cloud) -> Created:
        rules = [pascal_case(rule.model_dump(by_alias=True, exclude_none=True)) for rule in self.cors_rules]
        cloud.client("s3").put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": rules})
        return Created(self.bucket, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("s3").get_bucket_cors(Bucket=resource_id)["CORSRules"]
        return self.with_actual_values(cors_rules=[camel_case(rule) for rule in found])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("s3").delete_bucket_cors(Bucket=resource_id)


@handles("aws:s3/bucketNotification:BucketNotification")
class BucketNotification(Resource):
    """Whether the bucket sends its events to EventBridge."""

    identity: ClassVar = ("bucket",)

    bucket: str
    eventbridge: bool

    def create(self, cloud: Cloud) -> Created:
        cloud.client("s3").put_bucket_notification_configuration(
            Bucket=self.bucket,
            NotificationConfiguration={"EventBridgeConfiguration": {}} if self.eventbridge else {},
        )
        return Created(self.bucket, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("s3").get_bucket_notification_configuration(Bucket=resource_id)
        return self.with_actual_values(eventbridge="EventBridgeConfiguration" in found)

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("s3").put_bucket_notification_configuration(Bucket=resource_id, NotificationConfiguration={})


class OwnershipRule(Properties):
    object_ownership: str


@handles("aws:s3/bucketOwnershipControls:BucketOwnershipControls")
class BucketOwnershipControls(Resource):
    identity: ClassVar = ("bucket",)

    bucket: str
    rule: OwnershipRule

    def create(self, cloud: Cloud) -> Created:
        cloud.client("s3").put_bucket_ownership_controls(
            Bucket=self.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": self.rule.object_ownership}]}
        )
        return Created(self.bucket, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("s3").get_bucket_ownership_controls(Bucket=resource_id)["OwnershipControls"]
        return self.with_actual_values(rule={"objectOwnership": found["Rules"][0]["ObjectOwnership"]})

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("s3").delete_bucket_ownership_controls(Bucket=resource_id)


@handles("aws:s3/bucketObject:BucketObject")
class BucketObject(Resource):
    irrelevant: ClassVar = {"sourceHash": "it only determines when Pulumi has to upload again"}
    identity: ClassVar = ("bucket", "key")
    volatile: ClassVar = ("etag", "versionId")

    bucket: str
    key: str
    force_destroy: bool = False
    source: Asset | None = None
    content: str | None = None
    content_type: str | None = None
    cache_control: str | None = None
    kms_key_id: str | None = None
    server_side_encryption: str | None = None
    metadata: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}

    def create(self, cloud: Cloud) -> Created:
        answer = cloud.client("s3").put_object(
            Bucket=self.bucket,
            Key=self.key,
            Body=asset_bytes(self.source) if self.source else (self.content or "").encode(),
            Metadata=self.metadata,
            Tagging=urllib.parse.urlencode(self.tags),
            **given(
                ContentType=self.content_type,
                CacheControl=self.cache_control,
                SSEKMSKeyId=self.kms_key_id,
                ServerSideEncryption=self.server_side_encryption,
            ),
        )
        return Created(
            self.key,
            {
                "arn": f"arn:aws:s3:::{self.bucket}/{self.key}",
                "etag": answer["ETag"].strip('"'),
                "versionId": answer.get("VersionId", ""),
            },
        )

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("s3").head_object(Bucket=self.bucket, Key=resource_id)
        return self.with_actual_values(content_type=found.get("ContentType"), metadata=found["Metadata"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        """Delete every version, as the provider does."""
        s3 = cloud.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=resource_id):
            for version in page.get("Versions", []) + page.get("DeleteMarkers", []):
                if version["Key"] == resource_id:
                    s3.delete_object(Bucket=self.bucket, Key=resource_id, VersionId=version["VersionId"])
