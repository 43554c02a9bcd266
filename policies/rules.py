"""The rules that each resource must keep by itself: what each forbids, and what to do instead.

A check yields one sentence for everything that is wrong with a resource. The engine asks before it makes a resource,
so what breaks one of these rules is never made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pulumi_aws as aws

from policies import kinds
from policies.documents import (
    CHECKED_WITHOUT_RESOURCE,
    Statement,
    allowing,
    condition_keys,
    exists,
    grants,
    needs_star,
    principals,
    refuses_plaintext,
    statements,
    ways_to_more_privileges,
    works_on,
)
from policies.values import UNKNOWN, differs, within

# The longest that SQS keeps a message ("Amazon SQS message quotas").
DEAD_LETTER_RETENTION_SECONDS = 14 * 24 * 3600
TAGS = ("Project", "Stack")
# What ties a service to the resource or account it acts for ("The confused deputy problem", IAM User Guide); CloudWatch
# Logs names its log group in the encryption context instead ("Encrypt log data in CloudWatch Logs using AWS KMS").
SOURCES = {"aws:SourceArn", "aws:SourceAccount", "kms:EncryptionContext:aws:logs:arn"}


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A resource as the program declares it: its type, and its properties as plain values."""

    type: str
    properties: Mapping[str, Any]

    def get(self, key: str) -> Any:
        """A property; None where it is not set, UNKNOWN where only the deployment will tell."""
        return self.properties.get(key)


Check = Callable[[Declared], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Something that every resource of some types must keep; no types stand for all of them."""

    name: str
    description: str
    types: Collection[str]
    check: Check


RULES: list[Rule] = []


def rule(description: str, *types: str) -> Callable[[Check], Check]:
    """Make a check a rule, named after the function."""

    def add(check: Check) -> Check:
        name = check.__name__.replace("_", "-")
        RULES.append(Rule(name=name, description=description, types=types, check=check))
        return check

    return add


@rule("A role's policy names each action that the role needs, and no pattern of them.", kinds.ROLE_POLICY)
def no_action_by_pattern(policy: Declared) -> Iterator[str]:
    for statement in allowing(policy.get("policy")):
        if not {"Action", "Resource"} <= set(statement):
            yield f"{_sid(statement)} says what it does not allow; name the actions and resources that it does"
        for action in sorted({grant.action for grant in grants(statement) if "*" in grant.action}):
            yield f"{_sid(statement)} allows {action}; name the actions that the code really calls"


@rule("A role's policy names resources, save for actions that AWS allows on nothing narrower.", kinds.ROLE_POLICY)
def no_bare_star(policy: Declared) -> Iterator[str]:
    for statement in allowing(policy.get("policy")):
        for grant in grants(statement):
            if grant.resource == "*" and not needs_star(grant.action):
                yield f"{_sid(statement)} allows {grant.action} on every resource; name the ARN that it is needed for"


@rule("A role's policy allows actions that AWS has, on resources that they work on.", kinds.ROLE_POLICY)
def actions_fit_resources(policy: Declared) -> Iterator[str]:
    for statement in allowing(policy.get("policy")):
        for grant in grants(statement):
            if "*" in grant.action:
                continue  # no-action-by-pattern says what is wrong with it
            if not exists(grant.action):
                yield f"{_sid(statement)} allows {grant.action}, which AWS does not have; correct the action's name"
            elif grant.resource != "*" and grant.action in CHECKED_WITHOUT_RESOURCE:
                yield (
                    f"{_sid(statement)} allows {grant.action} on {grant.resource}, but Lambda checks it without a "
                    "resource; allow it on *"
                )
            elif grant.resource != "*" and not works_on(grant.action, grant.resource):
                yield (
                    f"{_sid(statement)} allows {grant.action} on {grant.resource}, which it does not work on; "
                    "name a resource of its kind"
                )


@rule("No role can gain privileges beyond its own, or obtain credentials.", kinds.ROLE_POLICY)
def no_privilege_escalation(policy: Declared) -> Iterator[str]:
    if isinstance(document := policy.get("policy"), str):
        for way in ways_to_more_privileges(document):
            yield f"whoever holds the role can gain more than it allows ({way}); take those actions out"


@rule("What a role may do stands in its own policy, where these rules see it.", kinds.ROLE_POLICY_ATTACHMENT)
def no_attached_policies(attachment: Declared) -> Iterator[str]:
    yield f"{attachment.get('policyArn')} is attached to a role; write what the role needs into its own policy"


@rule("Roles are taken by services only, and for this account only.", kinds.ROLE)
def roles_serve_this_account(role: Declared) -> Iterator[str]:
    for statement in allowing(role.get("assumeRolePolicy")):
        for name in sorted(name for kind, name in principals(statement) if kind != "Service"):
            yield f"{_sid(statement)} lets {name} take the role; let the service take it that runs the code"
        if "aws:SourceAccount" not in condition_keys(statement):
            yield f"{_sid(statement)} holds for every account's resources; add the condition aws:SourceAccount"


@rule("Policies of resources let services in, each for a named source, and nobody else.", *kinds.RESOURCE_POLICIES)
def no_public_policy(policy: Declared) -> Iterator[str]:
    for statement in allowing(policy.get("policy")):
        for kind, name in sorted(principals(statement)):
            if name == "*":
                yield f"{_sid(statement)} lets everybody in; name a service and the source it acts for"
            elif kind == "Service" and not condition_keys(statement) & SOURCES:
                yield f"{_sid(statement)} lets {name} in for anybody's resources; add the condition aws:SourceArn"


@rule("Buckets, queues and topics refuse whoever comes without TLS.", *kinds.TLS_POLICIES)
def tls_only(policy: Declared) -> Iterator[str]:
    document = policy.get("policy")
    if document is not UNKNOWN and not any(map(refuses_plaintext, statements(document))):
        yield "requests without TLS are let through; add the statement of components.blocks.iam.deny_plaintext"


@rule("Buckets block public access.", kinds.PUBLIC_ACCESS_BLOCK)
def public_access_is_blocked(block: Declared) -> Iterator[str]:
    for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
        if differs(block.get(key), True):
            yield f"{key} is not true; make it so, and hand objects out by signed URLs"


@rule("Buckets have no access lists, by which single objects can be made public.", kinds.OWNERSHIP_CONTROLS)
def no_access_lists(controls: Declared) -> Iterator[str]:
    if differs(controls.get("rule"), {"objectOwnership": "BucketOwnerEnforced"}):
        yield "objects may carry access lists; set objectOwnership to BucketOwnerEnforced"


@rule("Networks let nobody in by address.", kinds.INGRESS_RULE, kinds.SECURITY_GROUP)
def networks_are_closed(declared: Declared) -> Iterator[str]:
    for key in ("cidrIpv4", "cidrIpv6", "ingress"):
        if declared.get(key):
            yield f"{key} lets addresses in; let the security group in of what needs to come in"


@rule("Dead-letter queues keep messages for fourteen days.", kinds.QUEUE)
def dead_letters_are_kept(queue: Declared) -> Iterator[str]:
    kept = queue.get("messageRetentionSeconds")
    if kinds.is_dead_letter_queue(queue.get("name")) and differs(kept, DEAD_LETTER_RETENTION_SECONDS):
        yield f"messages are kept {kept} seconds; set messageRetentionSeconds to {DEAD_LETTER_RETENTION_SECONDS}"


@rule("Every queue has a dead-letter queue, which keeps a message longer than the queue itself.", kinds.QUEUE)
def failures_are_kept(queue: Declared) -> Iterator[str]:
    if kinds.is_dead_letter_queue(queue.get("name")):
        return
    if not queue.get("redrivePolicy"):
        yield "what fails is dropped in the end; give it a dead-letter queue, as components.blocks.queue.Queue does"
    kept = queue.get("messageRetentionSeconds")
    # A moved message's age counts from its first queue ("Using dead-letter queues in Amazon SQS").
    if kept is None or (kept is not UNKNOWN and kept > DEAD_LETTER_RETENTION_SECONDS / 2):
        yield f"messages are kept {kept} seconds and so much shorter in the dead-letter queue; keep them 7 days at most"


@rule("Queues are encrypted.", kinds.QUEUE)
def queues_are_encrypted(queue: Declared) -> Iterator[str]:
    if not (queue.get("sqsManagedSseEnabled") or queue.get("kmsMasterKeyId")):
        yield "messages lie unencrypted; set sqsManagedSseEnabled or kmsMasterKeyId"


@rule("Tables are encrypted with a key that KMS keeps.", kinds.TABLE)
def tables_are_encrypted(table: Declared) -> Iterator[str]:
    if differs(within(table.get("serverSideEncryption"), "enabled"), True):
        yield "rows are encrypted with a key that nobody can audit; set serverSideEncryption.enabled"


@rule("Topics are encrypted, save for the alerts, which CloudWatch could not encrypt.", kinds.TOPIC)
def topics_are_encrypted(topic: Declared) -> Iterator[str]:
    key, alerts = topic.get("kmsMasterKeyId"), str(topic.get("name")).endswith("-alerts")
    if not key and not alerts:
        yield "messages lie unencrypted; set kmsMasterKeyId"
    # "Why didn't I receive an SNS notification for my CloudWatch alarm trigger?"
    if alerts and key == kinds.KEY_OF_SNS:
        yield f"CloudWatch may not use {key}, and no alarm arrives; use a key of your own or none"


@rule("Buckets are encrypted.", kinds.BUCKET_ENCRYPTION)
def buckets_are_encrypted(configuration: Declared) -> Iterator[str]:
    algorithm = within(configuration.get("rules"), 0, "applyServerSideEncryptionByDefault", "sseAlgorithm")
    if algorithm not in ("AES256", "aws:kms", UNKNOWN):
        yield "objects lie unencrypted; set sseAlgorithm to AES256 or aws:kms"


@rule("Keys change every year.", kinds.KEY)
def keys_rotate(key: Declared) -> Iterator[str]:
    if differs(key.get("enableKeyRotation"), True):
        yield "the key stays the same for ever; set enableKeyRotation"


@rule("Log groups forget after a time.", kinds.LOG_GROUP)
def logs_end(group: Declared) -> Iterator[str]:
    if not group.get("retentionInDays"):
        yield "events are kept and paid for ever; set retentionInDays"


@rule("Everything that can carry tags says which project and stack it belongs to.")
def everything_is_tagged(declared: Declared) -> Iterator[str]:
    tags = declared.get("tags") or {}
    missing = [] if tags is UNKNOWN else [tag for tag in TAGS if not tags.get(tag)]
    if missing and _takes_tags(declared.type):
        yield f"the tags {' and '.join(missing)} are missing; pass tags=deployment.tags"


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
