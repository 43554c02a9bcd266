"""A web site of static files: a private bucket that CloudFront alone reads, with security headers on every answer."""

import json
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.blocks.bucket import Bucket, BucketArgs
from components.blocks.iam import Statement, allow_service
from components.stack_context import StackContext

# The managed policy CachingOptimized ("Use managed cache policies", Amazon CloudFront Developer Guide).
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
TWO_YEARS_SECONDS = 63_072_000
# Files under assets/ have their content's hash in their names; a page and its settings may change at any time.
UNCHANGING = "public, max-age=31536000, immutable"
CHANGING = "no-cache"


@dataclass(frozen=True, kw_only=True)
class SignedFiles:
    """Objects of another bucket, which are sent for a signed URL alone.

    Args:
        bucket_name: of the bucket, whose policy has to have `read_by_distribution`.
        prefix: of the objects' keys, and so of their paths.
        key_group_id: of the keys that URLs may be signed with.
    """

    bucket_name: str
    prefix: str
    key_group_id: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class WebSiteArgs:
    """`files` may be empty; the site then has an address and nothing to show.

    Args:
        bucket_name: of the bucket that holds the files.
        description: what the site is.
        content_security_policy: sent with every file.
        directory, files: the built site, and what of it there is, relative to the directory.
        old_version_days: days until replaced files are removed.
        signed_files: what the site has beside its own files.
    """

    context: StackContext
    bucket_name: str
    description: str
    content_security_policy: str
    directory: Path
    files: Sequence[Path]
    old_version_days: int
    signed_files: SignedFiles | None = None


class WebSite(pulumi.ComponentResource):
    """Static files behind CloudFront."""

    bucket: Bucket
    arn: pulumi.Output[str]
    domain_name: pulumi.Output[str]

    def __init__(self, name: str, args: WebSiteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:WebSite", name, None, opts)
        self._prefix, self._args = name, args
        distribution = self._distribution()
        self.arn, self.domain_name = distribution.arn, distribution.domain_name
        self.bucket = Bucket(
            name,
            BucketArgs(
                context=args.context,
                bucket_name=args.bucket_name,
                expiration_days=0,
                old_version_days=args.old_version_days,
                incomplete_upload_days=1,
                statements=[read_by_distribution(args.context, args.bucket_name, "", distribution.arn)],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        for file in args.files:
            self.store(file.as_posix(), pulumi.FileAsset(str(args.directory / file)))
        self.register_outputs({"domain_name": self.domain_name})

    def store(self, key: str, source: pulumi.Asset | pulumi.Output[pulumi.Asset]) -> None:
        """Put one file into the site."""
        aws.s3.BucketObject(
            f"{self._prefix}-{key}",
            bucket=self.bucket.name,
            key=key,
            source=source,
            content_type=mimetypes.guess_type(key)[0] or "application/octet-stream",
            cache_control=UNCHANGING if key.startswith("assets/") else CHANGING,
            tags=self._args.context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _distribution(self) -> aws.cloudfront.Distribution:
        args, context = self._args, self._args.context
        child = pulumi.ResourceOptions(parent=self)
        access = aws.cloudfront.OriginAccessControl(
            self._prefix,
            name=args.bucket_name,
            description=f"Reads {args.bucket_name}",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=child,
        )
        headers = self._headers()
        signed = [args.signed_files] if args.signed_files else []
        return aws.cloudfront.Distribution(
            self._prefix,
            comment=args.description,
            enabled=True,
            is_ipv6_enabled=True,
            http_version="http2and3",
            price_class="PriceClass_100",
            default_root_object="index.html",
            origins=[
                {
                    "origin_id": bucket_name,
                    # By its name, because the bucket's policy needs the distribution first.
                    "domain_name": f"{bucket_name}.s3.{context.region}.{context.dns_suffix}",
                    "origin_access_control_id": access.id,
                }
                for bucket_name in (args.bucket_name, *(each.bucket_name for each in signed))
            ],
            default_cache_behavior=_behavior(args.bucket_name, headers),
            ordered_cache_behaviors=[
                {
                    **_behavior(each.bucket_name, headers),
                    "path_pattern": f"{each.prefix}*",
                    "trusted_key_groups": [each.key_group_id],
                }
                for each in signed
            ],
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate={"cloudfront_default_certificate": True},
            tags=context.tags,
            opts=child,
        )

    def _headers(self) -> aws.cloudfront.ResponseHeadersPolicy:
        return aws.cloudfront.ResponseHeadersPolicy(
            self._prefix,
            name=self._args.bucket_name,
            comment="Security headers",
            security_headers_config={
                "content_security_policy": {
                    "content_security_policy": self._args.content_security_policy,
                    "override": True,
                },
                "content_type_options": {"override": True},
                "frame_options": {"frame_option": "DENY", "override": True},
                "referrer_policy": {"referrer_policy": "no-referrer", "override": True},
                "strict_transport_security": {
                    "access_control_max_age_sec": TWO_YEARS_SECONDS,
                    "include_subdomains": True,
                    "override": True,
                },
            },
            opts=pulumi.ResourceOptions(parent=self),
        )


def read_by_distribution(
    context: StackContext, bucket_name: str, prefix: str, distribution_arn: pulumi.Input[str]
) -> Statement:
    """The statement of a bucket's policy that lets a distribution read its objects, or those with a prefix."""
    return allow_service(
        "ReadByDistribution",
        "cloudfront.amazonaws.com",
        ["s3:GetObject"],
        f"arn:{context.partition}:s3:::{bucket_name}/{prefix}*",
        {"StringEquals": {"aws:SourceArn": distribution_arn}},
    )


def _behavior(
    bucket_name: str, headers: aws.cloudfront.ResponseHeadersPolicy
) -> aws.cloudfront.DistributionDefaultCacheBehaviorArgsDict:
    return {
        "target_origin_id": bucket_name,
        "viewer_protocol_policy": "redirect-to-https",
        "allowed_methods": ["GET", "HEAD"],
        "cached_methods": ["GET", "HEAD"],
        "cache_policy_id": CACHING_OPTIMIZED,
        "compress": True,
        "response_headers_policy_id": headers.id,
    }


def as_asset(settings: pulumi.Input[dict]) -> pulumi.Output[pulumi.Asset]:
    """Settings as a JSON file."""
    return pulumi.Output.from_input(settings).apply(lambda value: pulumi.StringAsset(json.dumps(value)))
