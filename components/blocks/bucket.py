"""A bucket that is private, versioned, encrypted and TLS only, with lifecycle rules."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.iam import Statement, deny_plaintext, policy_document
from components.stack_context import StackContext


@dataclass(frozen=True, kw_only=True)
class BucketArgs:
    """`expiration_days` 0 keeps objects for good; `statements` is what its policy says beyond TLS.

    `cors_origins` are the origins of web pages that may send it presigned requests, by `cors_methods`.
    """

    context: StackContext
    bucket_name: str
    expiration_days: int
    old_version_days: int
    incomplete_upload_days: int
    cors_origins: Sequence[pulumi.Input[str]] = ()
    cors_methods: Sequence[str] = ("PUT", "POST", "GET")
    statements: Sequence[Statement] = ()


class Bucket(pulumi.ComponentResource):
    """An S3 bucket with its policy, encryption, versioning, access block and lifecycle rules."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Bucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        bucket = aws.s3.Bucket(
            name,
            bucket=args.bucket_name,
            force_destroy=not args.context.protect_state,
            tags=args.context.tags,
            opts=args.context.state_options(self),
        )
        versioning = aws.s3.BucketVersioning(
            name, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=child
        )
        public_access = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketOwnershipControls(
            name, bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}, opts=child
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name, bucket=bucket.bucket, rules=[_encryption_rule(args.context)], opts=child
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=_lifecycle_rules(args),
            # S3 accepts rules for noncurrent versions only on a bucket with versioning.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        if args.context.access_log_bucket:
            aws.s3.BucketLogging(
                name,
                bucket=bucket.bucket,
                target_bucket=args.context.access_log_bucket,
                target_prefix=f"{args.bucket_name}/",
                opts=child,
            )
        if args.cors_origins:
            aws.s3.BucketCorsConfiguration(name, bucket=bucket.bucket, cors_rules=[_cors_rule(args)], opts=child)
        aws.s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=policy_document(
                [
                    deny_plaintext("s3:*", [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")]),
                    *args.statements,
                ]
            ),
            # Both change the bucket's access settings, and S3 rejects concurrent changes.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[public_access]),
        )
        self.name = bucket.bucket
        self.arn = bucket.arn
        self.register_outputs({"name": self.name, "arn": self.arn})


def _encryption_rule(
    context: StackContext,
) -> aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict:
    if context.key_arn is None:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    # A bucket key avoids one call to KMS for each object.
    return {
        "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": context.key_arn},
        "bucket_key_enabled": True,
    }


def _cors_rule(args: BucketArgs) -> aws.s3.BucketCorsConfigurationCorsRuleArgsDict:
    return {
        "allowed_origins": list(args.cors_origins),
        "allowed_methods": list(args.cors_methods),
        "allowed_headers": ["*"],
        # A part's ETag is what completes a multipart upload.
        "expose_headers": ["ETag", "Location"],
        "max_age_seconds": 3600,
    }


def _lifecycle_rules(args: BucketArgs) -> list[aws.s3.BucketLifecycleConfigurationRuleArgsDict]:
    rules: list[aws.s3.BucketLifecycleConfigurationRuleArgsDict] = [
        {
            "id": "remove-incomplete-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": args.incomplete_upload_days},
        },
        {
            "id": "remove-old-versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": args.old_version_days},
            "expiration": {"expired_object_delete_marker": True},
        },
    ]
    if args.expiration_days:
        rules.append(
            {
                "id": "remove-objects",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "expiration": {"days": args.expiration_days},
            }
        )
    return rules
