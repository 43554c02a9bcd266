"""S3: buckets, what is set on them, and objects."""

from __future__ import annotations

import contextlib
import urllib.parse
from collections.abc import Mapping
from typing import Any, ClassVar

from pulumi import Asset
from pydantic import Field

from localcloud.resources.archives import asset_bytes
from localcloud.resources.base import (
    NEVER_DESTROYED,
    Cloud,
    Created,
    Properties,
    Resource,
    given,
    handles,
    pascal_case,
    tag_list,
)


@handles("aws:s3/bucket:Bucket")
class Bucket(Resource):
    """A bucket; what it holds is configured by the resources below."""

    generated_name: ClassVar = "bucket"
    identity: ClassVar = ("bucket",)
    fixed: ClassVar = ("object_lock_enabled",)

    bucket: str
    force_destroy: bool = False
    object_lock_enabled: bool = False
    tags: Mapping[str, str] = {}

    def create(self, cloud: Cloud) -> Created:
        s3 = cloud.client("s3")
        # us-east-1 is the one region that must not be named.
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


class VersioningConfiguration(Properties):
    status: str
    mfa_delete: str | None = None


@handles("aws:s3/bucketVersioning:BucketVersioning")
class BucketVersioning(Resource):
    bucket: str
    versioning_configuration: VersioningConfiguration

    def create(self, cloud: Cloud) -> Created:
        wanted = self.versioning_configuration
        cloud.client("s3").put_bucket_versioning(
            Bucket=self.bucket, VersioningConfiguration=given(Status=wanted.status, MFADelete=wanted.mfa_delete)
        )
        return Created(self.bucket, {})


@handles("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
class BucketPublicAccessBlock(Resource):
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


class EncryptionDefault(Properties):
    sse_algorithm: str
    kms_master_key_id: str | None = None


class EncryptionRule(Properties):
    apply_server_side_encryption_by_default: EncryptionDefault
    bucket_key_enabled: bool | None = None


@handles("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
class BucketServerSideEncryptionConfiguration(Resource):
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


@handles("aws:s3/bucketPolicy:BucketPolicy")
class BucketPolicy(Resource):
    bucket: str
    policy: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("s3").put_bucket_policy(Bucket=self.bucket, Policy=self.policy)
        return Created(self.bucket, {})


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
            # An empty prefix is how the API says "every object".
            Filter=self.filter.request() or {"Prefix": ""},
            AbortIncompleteMultipartUpload=pascal_case(self.abort_incomplete_multipart_upload),
            Expiration=pascal_case(self.expiration),
            NoncurrentVersionExpiration=pascal_case(self.noncurrent_version_expiration),
            NoncurrentVersionTransitions=pascal_case(self.noncurrent_version_transitions),
            Transitions=pascal_case(self.transitions),
        )


@handles("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
class BucketLifecycleConfiguration(Resource):
    bucket: str
    rules: list[LifecycleRule]

    def create(self, cloud: Cloud) -> Created:
        cloud.client("s3").put_bucket_lifecycle_configuration(
            Bucket=self.bucket, LifecycleConfiguration={"Rules": [rule.request() for rule in self.rules]}
        )
        return Created(self.bucket, {})


@handles("aws:s3/bucketNotification:BucketNotification")
class BucketNotification(Resource):
    """Whether the bucket's events go to EventBridge."""

    bucket: str
    eventbridge: bool

    def create(self, cloud: Cloud) -> Created:
        cloud.client("s3").put_bucket_notification_configuration(
            Bucket=self.bucket,
            NotificationConfiguration={"EventBridgeConfiguration": {}} if self.eventbridge else {},
        )
        return Created(self.bucket, {})


class OwnershipRule(Properties):
    object_ownership: str


@handles("aws:s3/bucketOwnershipControls:BucketOwnershipControls")
class BucketOwnershipControls(Resource):
    bucket: str
    rule: OwnershipRule

    def create(self, cloud: Cloud) -> Created:
        cloud.client("s3").put_bucket_ownership_controls(
            Bucket=self.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": self.rule.object_ownership}]}
        )
        return Created(self.bucket, {})


@handles("aws:s3/bucketObject:BucketObject")
@handles("aws:s3/bucketObjectv2:BucketObjectv2")
class BucketObject(Resource):
    irrelevant: ClassVar = {
        "forceDestroy": NEVER_DESTROYED,
        "sourceHash": "it only tells Pulumi when to upload again",
    }

    bucket: str
    key: str
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
