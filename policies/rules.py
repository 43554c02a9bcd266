"""The rules for roles, resource policies, data and networks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pulumi_aws as aws

from contract.names import PROJECT_TAG, STACK_TAG
from policies import kinds
from policies.documents import (
    CHECKED_WITHOUT_RESOURCE,
    Statement,
    allowing,
    denied_without_tls,
    exists,
    grants,
    needs_star,
    principals,
    required_keys,
    statements,
    ways_to_more_privileges,
    works_on,
)
from policies.rule import Declared, rule
from policies.values import UNKNOWN, differs, within

# The longest that SQS keeps a message ("Amazon SQS message quotas").
DEAD_LETTER_RETENTION_SECONDS = 14 * 24 * 3600
# A message's age counts from its first queue, so half of that is left for the dead-letter queue.
QUEUE_RETENTION_SECONDS = DEAD_LETTER_RETENTION_SECONDS // 2
TAGS = (PROJECT_TAG, STACK_TAG)
# Condition keys for the resource or account that a service acts for ("The confused deputy problem", IAM User Guide).
# CloudWatch Logs sends its log group in the encryption context ("Encrypt log data in CloudWatch Logs using AWS KMS").
SOURCES = {"aws:SourceArn", "aws:SourceAccount", "kms:EncryptionContext:aws:logs:arn"}


@rule("iam-no-action-wildcards", "Role policies list each action by name, without `*`.", kinds.ROLE_POLICY)
def actions_are_named(policy: Declared) -> Iterator[str]:
    for statement in allowing(policy.get("policy")):
        if not {"Action", "Resource"} <= set(statement):
            yield f"{_sid(statement)} uses NotAction or NotResource; name the actions and resources that are allowed"
        for action in sorted({grant.action for grant in grants(statement) if "*" in grant.action}):
            yield f"{_sid(statement)} allows {action}; name the actions that the code calls"


@rule(
    "iam-no-resource-wildcards",
    "Role policies name resources; `*` is for actions that AWS checks against nothing narrower.",
    kinds.ROLE_POLICY,
)
def resources_are_named(policy: Declared) -> Iterator[str]:
    for statement in allowing(policy.get("policy")):
        for grant in grants(statement):
            if grant.resource == "*" and not needs_star(grant.action):
                yield f"{_sid(statement)} allows {grant.action} on every resource; name the ARN that it is needed for"


@rule(
    "iam-actions-match-resources",
    "Role policies allow actions that exist, on resources of a type that they apply to.",
    kinds.ROLE_POLICY,
)
def actions_match_resources(policy: Declared) -> Iterator[str]:
    for statement in allowing(policy.get("policy")):
        for grant in grants(statement):
            if "*" in grant.action:
                continue  # iam-no-action-wildcards reports it
            if not exists(grant.action):
                yield f"{_sid(statement)} allows {grant.action}, which AWS does not have; correct the action's name"
            elif grant.resource != "*" and grant.action in CHECKED_WITHOUT_RESOURCE:
                yield (
                    f"{_sid(statement)} allows {grant.action} on {grant.resource}, but Lambda checks it without a "
                    "resource; allow it on *"
                )
            elif grant.resource != "*" and not works_on(grant.action, grant.resource):
                yield (
                    f"{_sid(statement)} allows {grant.action} on {grant.resource}, which it does not apply to; "
                    "name a resource of its type"
                )


@rule(
    "iam-no-privilege-escalation",
    "No role can gain privileges beyond its own, or obtain credentials.",
    kinds.ROLE_POLICY,
)
def no_privilege_escalation(policy: Declared) -> Iterator[str]:
    if isinstance(document := policy.get("policy"), str):
        for way in ways_to_more_privileges(document):
            yield f"the role can gain more privileges than its policy lists ({way}); remove those actions"


@rule(
    "iam-inline-policies-only",
    "A role's permissions are in its inline policy, which these rules check.",
    kinds.ROLE_POLICY_ATTACHMENT,
)
def inline_policies_only(attachment: Declared) -> Iterator[str]:
    yield f"{attachment.get('policyArn')} is attached to a role; write what the role needs into its inline policy"


@rule("iam-trust-this-account", "Roles are assumed by AWS services only, on behalf of this account only.", kinds.ROLE)
def trust_this_account(role: Declared) -> Iterator[str]:
    for statement in allowing(role.get("assumeRolePolicy")):
        for name in sorted(name for kind, name in principals(statement) if kind != "Service"):
            yield f"{_sid(statement)} lets {name} assume the role; name the service that runs the code"
        if "aws:SourceAccount" not in required_keys(statement):
            yield f"{_sid(statement)} is not limited to one account; add the condition aws:SourceAccount"


@rule(
    "resource-policy-not-public",
    "Resource policies allow AWS services only, each for a named source.",
    *kinds.RESOURCE_POLICIES,
)
def resource_policy_not_public(policy: Declared) -> Iterator[str]:
    for statement in allowing(policy.get("policy")):
        for kind, name in sorted(principals(statement)):
            if name == "*":
                yield f"{_sid(statement)} allows everybody; name a service and the source it acts for"
            elif kind == "Service" and not required_keys(statement) & SOURCES:
                yield f"{_sid(statement)} allows {name} for any source; add the condition aws:SourceArn"


@rule("s3-tls-only", "S3 buckets deny requests without TLS, to the bucket and to its objects.", kinds.BUCKET_POLICY)
def s3_tls_only(policy: Declared) -> Iterator[str]:
    bucket = policy.get("bucket")
    yield from _tls_only(policy, "s3:*", UNKNOWN if bucket is UNKNOWN else {f":::{bucket}", f":::{bucket}/*"})


@rule("sqs-tls-only", "SQS queues deny requests without TLS.", kinds.QUEUE_POLICY)
def sqs_tls_only(policy: Declared) -> Iterator[str]:
    url = policy.get("queueUrl")
    yield from _tls_only(policy, "sqs:*", UNKNOWN if url is UNKNOWN else {f":{str(url).rpartition('/')[2]}"})


@rule("sns-tls-only", "SNS topics deny messages that are published without TLS.", kinds.TOPIC_POLICY)
def sns_tls_only(policy: Declared) -> Iterator[str]:
    arn = policy.get("arn")
    yield from _tls_only(policy, "sns:Publish", UNKNOWN if arn is UNKNOWN else {str(arn)})


def _tls_only(policy: Declared, action: str, endings: Any) -> Iterator[str]:
    """Check that requests without TLS are denied for each resource whose ARN has one of `endings`."""
    document = policy.get("policy")
    if UNKNOWN in (document, endings):
        return
    denied = {arn for statement in statements(document) for arn in denied_without_tls(statement, action)}
    for ending in sorted(endings):
        if not any(arn.endswith(ending) for arn in denied):
            yield f"requests without TLS to …{ending} are allowed; add deny_plaintext() of components.blocks.iam"


@rule("s3-public-access-blocked", "S3 buckets block public access.", kinds.PUBLIC_ACCESS_BLOCK)
def s3_public_access_blocked(block: Declared) -> Iterator[str]:
    for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
        if differs(block.get(key), True):
            yield f"{key} is not true; set it, and give access to objects by presigned URLs"


@rule(
    "s3-acls-disabled", "S3 buckets have ACLs disabled, so that no object can be made public.", kinds.OWNERSHIP_CONTROLS
)
def s3_acls_disabled(controls: Declared) -> Iterator[str]:
    if differs(controls.get("rule"), {"objectOwnership": "BucketOwnerEnforced"}):
        yield "objects can have ACLs; set objectOwnership to BucketOwnerEnforced"


@rule(
    "ec2-no-ingress-by-address",
    "Security groups allow no incoming traffic by address.",
    kinds.INGRESS_RULE,
    kinds.SECURITY_GROUP,
)
def ec2_no_ingress_by_address(declared: Declared) -> Iterator[str]:
    for key in ("cidrIpv4", "cidrIpv6", "prefixListId", "ingress"):
        if declared.get(key):
            yield f"{key} allows traffic from addresses; allow it from the security group that needs it"


@rule(
    "ec2-egress-https-only",
    "Security groups allow outgoing traffic by HTTPS over IPv4 only, which is all that the functions use.",
    kinds.EGRESS_RULE,
    kinds.SECURITY_GROUP,
)
def ec2_egress_https_only(declared: Declared) -> Iterator[str]:
    for key in ("cidrIpv6", "egress"):
        if declared.get(key):
            yield f"{key} allows traffic that no function needs; make an egress rule for cidrIpv4"
    if declared.type == kinds.EGRESS_RULE:
        for key, wanted in (("ipProtocol", "tcp"), ("fromPort", 443), ("toPort", 443)):
            if differs(declared.get(key), wanted):
                yield f"{key} is {declared.get(key)}; set it to {wanted}"


@rule("sqs-dlq-retention-14-days", "Dead-letter queues keep messages for fourteen days.", kinds.QUEUE)
def sqs_dlq_retention(queue: Declared) -> Iterator[str]:
    kept = queue.get("messageRetentionSeconds")
    if kinds.is_dead_letter_queue(queue.get("name")) and differs(kept, DEAD_LETTER_RETENTION_SECONDS):
        yield f"messages are kept {kept} seconds; set messageRetentionSeconds to {DEAD_LETTER_RETENTION_SECONDS}"


@rule("sqs-dlq-required", "Every queue has a dead-letter queue.", kinds.QUEUE)
def sqs_dlq_required(queue: Declared) -> Iterator[str]:
    if not kinds.is_dead_letter_queue(queue.get("name")) and not queue.get("redrivePolicy"):
        yield "messages that fail expire; add a dead-letter queue (components.blocks.queue.Queue)"


@rule(
    "sqs-retention-at-most-7-days",
    "Queues keep messages for at most half as long as their dead-letter queue.",
    kinds.QUEUE,
)
def sqs_retention(queue: Declared) -> Iterator[str]:
    if kinds.is_dead_letter_queue(queue.get("name")):
        return
    kept = queue.get("messageRetentionSeconds")
    # A moved message's age counts from its first queue ("Using dead-letter queues in Amazon SQS").
    if kept is None or (kept is not UNKNOWN and kept > QUEUE_RETENTION_SECONDS):
        yield (
            f"messages are kept {kept} seconds, which shortens their time in the dead-letter queue; set "
            f"messageRetentionSeconds to {QUEUE_RETENTION_SECONDS} at most"
        )


@rule("sqs-encrypted", "SQS queues are encrypted.", kinds.QUEUE)
def sqs_encrypted(queue: Declared) -> Iterator[str]:
    if not (queue.get("sqsManagedSseEnabled") or queue.get("kmsMasterKeyId")):
        yield "messages are not encrypted; set sqsManagedSseEnabled or kmsMasterKeyId"


@rule("dynamodb-kms-encrypted", "DynamoDB tables are encrypted with a KMS key of the account.", kinds.TABLE)
def dynamodb_kms_encrypted(table: Declared) -> Iterator[str]:
    if differs(within(table.get("serverSideEncryption"), "enabled"), True):
        yield "the table is encrypted with a key that AWS owns and you cannot audit; set serverSideEncryption.enabled"


@rule("sns-encrypted", "SNS topics are encrypted, except the alert topic without a key of your own.", kinds.TOPIC)
def sns_encrypted(topic: Declared) -> Iterator[str]:
    key, alerts = topic.get("kmsMasterKeyId"), str(topic.get("name")).endswith("-alerts")
    if not key and not alerts:
        yield "messages are not encrypted; set kmsMasterKeyId"
    # "Why didn't I receive an SNS notification for my CloudWatch alarm trigger?"
    if alerts and key == kinds.KEY_OF_SNS:
        yield f"CloudWatch cannot use {key}, so no notification of an alarm arrives; use a key of your own or none"


@rule("s3-encrypted", "S3 buckets are encrypted with AES256 or aws:kms.", kinds.BUCKET_ENCRYPTION)
def s3_encrypted(configuration: Declared) -> Iterator[str]:
    algorithm = within(configuration.get("rules"), 0, "applyServerSideEncryptionByDefault", "sseAlgorithm")
    if algorithm not in ("AES256", "aws:kms", UNKNOWN):
        yield "objects are not encrypted by default; set sseAlgorithm to AES256 or aws:kms"


@rule("kms-rotation-on", "KMS key rotation is on.", kinds.KEY)
def kms_rotation_on(key: Declared) -> Iterator[str]:
    if differs(key.get("enableKeyRotation"), True):
        yield "key rotation is off; set enableKeyRotation"


@rule("logs-retention-set", "Log groups have a retention period.", kinds.LOG_GROUP)
def logs_retention_set(group: Declared) -> Iterator[str]:
    if not group.get("retentionInDays"):
        yield "events never expire; set retentionInDays"


@rule("tags-project-and-stack", "Every resource that can have tags has the tags Project and Stack.")
def tags_project_and_stack(declared: Declared) -> Iterator[str]:
    tags = declared.get("tags") or {}
    missing = [] if tags is UNKNOWN else [tag for tag in TAGS if not tags.get(tag)]
    if missing and _takes_tags(declared.type):
        yield f"the tags {' and '.join(missing)} are missing; pass tags=context.tags"


@cache
def _takes_tags(resource_type: str) -> bool:
    """Whether the AWS provider knows tags for a type such as aws:lambda/function:Function."""
    package, module, kind = resource_type.split(":")
    if package != "aws":
        return False
    module = module.partition("/")[0]
    resource_class = getattr(getattr(aws, {"lambda": "lambda_"}.get(module, module)), kind)
    return "tags" in resource_class._internal_init.__annotations__


def _sid(statement: Statement) -> str:
    return f"statement {statement.get('Sid', 'without Sid')}"
